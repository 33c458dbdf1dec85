// How to use libs/chroot from another program: what would a task's root be made of here?
//
//   bazel run //examples:chroot_example
//
// Looks at a few directories of this machine and prints the template of a root that shows them, and
// where a command would be looked for in it. Makes nothing.
#include <filesystem>
#include <iostream>
#include <string>

#include "libs/chroot/command_lookup.h"
#include "libs/chroot/root_layout.h"
#include "libs/node/host_path.h"

namespace {

namespace chroot = cloister::chroot;
namespace fs = std::filesystem;
using cloister::node::HostPath;

// The library itself never looks at a file system: what is there is the caller's to say.
HostPath LookAt(const std::string& path) {
  HostPath found;
  found.path = path;
  std::error_code error;
  const fs::path resolved = fs::canonical(path, error);
  if (error) return found;
  found.resolved = resolved.string();
  found.is_link = fs::is_symlink(path, error);
  found.kind =
      fs::is_directory(resolved, error) ? HostPath::Kind::kDirectory : HostPath::Kind::kFile;
  return found;
}

int Run() {
  chroot::RootLayout layout;
  for (const char* path : {"/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr"}) {
    layout.entries.push_back({LookAt(path), path});
  }
  const auto root = chroot::MakeRootTemplate(layout);
  if (!root.ok()) {
    std::cerr << root.status().message() << "\n";
    return 1;
  }
  std::cout << root->DebugString() << "\"web\" would be looked for at:\n";
  for (const std::string& path : chroot::CommandCandidates("web", {"/data"}))
    std::cout << "  " << path << "\n";
  return 0;
}

}  // namespace

int main() { return Run(); }
