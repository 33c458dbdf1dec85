#include "libs/plan/mount_place.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/lexical_path.h"
#include "libs/chroot/root_layout.h"

namespace cloister::plan {
namespace {

constexpr absl::string_view kOwnDirectories[] = {"/alloc", "/local", "/tmp"};

}  // namespace

std::string MountPointOf(const std::string& destination) {
  for (absl::string_view own : kOwnDirectories) {
    if (IsBeneath(destination, own)) return destination.substr(1);
  }
  return "";
}

void MakePlace(const std::string& field, const std::string& destination,
               internal::RootTemplate* root, std::vector<FieldViolation>* violations) {
  if (!MountPointOf(destination).empty()) return;
  const absl::Status room = chroot::AddMountPoint(destination, root);
  if (room.ok()) return;
  violations->push_back(
      {field, absl::StrCat("'", absl::CHexEscape(destination), "' ", room.message())});
}

std::string PrivateDirectoryAt(const std::string& path, const node::NodePolicy& policy) {
  for (const std::string& ours : policy.private_directories) {
    if (IsBeneath(path, ours) || IsBeneath(ours, path)) return ours;
  }
  return "";
}

}  // namespace cloister::plan
