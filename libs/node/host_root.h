// HostRoot: looks at the node's files from a root directory: "/" on a node, a directory of a test's
// otherwise.
//
// Links are followed as if that directory were the root of everything (openat2(2),
// RESOLVE_IN_ROOT), so that a test's absolute links stay inside it.
#ifndef CLOISTER_LIBS_NODE_HOST_ROOT_H_
#define CLOISTER_LIBS_NODE_HOST_ROOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"
#include "libs/node/host_device.h"
#include "libs/node/host_path.h"

namespace cloister::node {

class HostRoot {
 public:
  // `directory` exists.
  static absl::StatusOr<HostRoot> Open(const std::string& directory);

  // The content of a file, of at most 64 MiB. Paths begin with '/'.
  absl::StatusOr<std::string> ReadText(const std::string& path) const;
  // The same without white space at the end, for files of one line.
  absl::StatusOr<std::string> ReadLine(const std::string& path) const;

  // What is at `path`. What is not there is a result, not an error; only what cannot be told is an
  // error.
  absl::StatusOr<HostPath> LookAt(const std::string& path) const;
  // The same of a device; `exists` is false for what is there and none.
  absl::StatusOr<HostDevice> LookAtDevice(const std::string& path) const;
  bool Exists(const std::string& path) const;
  // access(2) with W_OK for the effective ids: also false on a read-only file system.
  bool IsWritable(const std::string& path) const;

 private:
  HostRoot(OwnedFd directory, std::string prefix);

  absl::StatusOr<OwnedFd> OpenAt(const std::string& path, int flags) const;

  OwnedFd directory_;
  // Where `directory_` is, without a slash at the end: "" for "/".
  std::string prefix_;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_HOST_ROOT_H_
