#include "libs/chroot/command_lookup.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cloister::chroot {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL

}  // namespace

std::vector<std::string> CommandCandidates(absl::string_view command,
                                           const std::vector<std::string>& volumes) {
  std::vector<std::string> candidates;
  const auto add = [&](absl::string_view directory, absl::string_view rest) {
    std::string path = absl::StrCat(directory, rest);
    if (path.size() <= kMaxPathBytes) candidates.push_back(std::move(path));
  };
  if (absl::StartsWith(command, "/")) {
    add("/local", command);
    add("", command);
    return candidates;
  }
  add("/local/", command);
  add("/", command);
  for (const std::string& volume : volumes) add(absl::StrCat(volume, "/"), command);
  if (absl::StrContains(command, '/')) return candidates;
  for (absl::string_view directory : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
    add(directory, command);
  }
  return candidates;
}

}  // namespace cloister::chroot
