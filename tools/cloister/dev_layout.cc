#include "tools/cloister/dev_layout.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/stable_hash.h"

namespace cloister {
namespace {

// A socket's path has 107 bytes (unix(7)); the longest beneath `run` is
// node-32/launcher-<number>.sock.
constexpr size_t kMaxSocketPath = 107;
constexpr absl::string_view kLongestSocket = "/node-32/launcher-9999999999.sock";

}  // namespace

std::string DevNodeLayout::address() const { return absl::StrCat("unix:", socket); }

std::string DevLayout::address() const { return absl::StrCat("unix:", frontend_socket); }

DevNodeLayout DevLayout::Node(int number) const {
  DevNodeLayout node;
  node.id = absl::StrCat("node-", number);
  node.state_directory = absl::StrCat(directory, "/", node.id);
  node.run_directory = absl::StrCat(run_directory, "/", node.id);
  node.socket = absl::StrCat(node.run_directory, "/executor.sock");
  node.log = absl::StrCat(log_directory, "/", node.id);
  node.cgroup_parent = absl::StrCat(cgroup_parent, "/", node.id);
  return node;
}

absl::StatusOr<DevLayout> MakeDevLayout(absl::string_view directory, absl::string_view short_base) {
  if (directory.empty() || directory[0] != '/' || directory == "/") {
    return absl::InvalidArgumentError(
        absl::StrCat("'", directory, "': not an absolute path of a directory of its own"));
  }
  // 40 bits: enough to tell apart the private clusters of one machine.
  const std::string hash = absl::StrFormat("%010x", StableHash64({directory}) & 0xff'ffff'ffff);
  DevLayout layout;
  layout.directory = std::string(directory);
  layout.record = absl::StrCat(directory, "/dev.json");
  layout.lock = absl::StrCat(directory, "/dev.lock");
  layout.log_directory = absl::StrCat(directory, "/log");
  layout.run_link = absl::StrCat(directory, "/run");
  layout.run_directory = layout.run_link.size() + kLongestSocket.size() <= kMaxSocketPath
                             ? layout.run_link
                             : absl::StrCat(short_base, "/cloister-dev-", hash);
  layout.frontend_socket = absl::StrCat(layout.run_directory, "/frontend.sock");
  layout.frontend_log = absl::StrCat(layout.log_directory, "/frontend");
  layout.cgroup_parent = absl::StrCat("cloister-dev-", hash);
  layout.service_cgroup = absl::StrCat(layout.cgroup_parent, "-services");
  return layout;
}

absl::StatusOr<DevLayout> ResolveDevLayout(const std::string& directory) {
  if (directory.empty()) return absl::InvalidArgumentError("the directory's name is empty");
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(directory, error);
  if (!error) path = std::filesystem::weakly_canonical(path, error);
  if (error)
    return absl::InvalidArgumentError(absl::StrCat("'", directory, "': ", error.message()));
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  std::string short_base = geteuid() == 0 ? "/run" : absl::StrCat("/run/user/", geteuid());
  if (access(short_base.c_str(), W_OK) != 0) short_base = "/tmp";
  return MakeDevLayout(text, short_base);
}

}  // namespace cloister
