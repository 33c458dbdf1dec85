#include "libs/rpc/socket_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::rpc {
namespace {

absl::Status CheckOne(const std::string& directory, uid_t machine_owner, bool is_last) {
  struct stat info;
  if (stat(directory.c_str(), &info) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("directory '", directory, "': ", ErrnoWords(errno)));
  }
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat("'", directory, "' is not a directory"));
  }
  const uid_t owner = info.st_uid;
  if (owner != 0 && owner != geteuid() && owner != machine_owner) {
    return absl::FailedPreconditionError(absl::StrCat("directory '", directory, "' belongs to uid ",
                                                      owner, ", who could replace the socket"));
  }
  const bool others_write = (info.st_mode & 0022) != 0;
  const bool others_rename = others_write && (info.st_mode & S_ISVTX) == 0;
  if (others_rename || (is_last && others_write)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "directory '", directory, "' can be written by others (mode ",
        absl::StrFormat("%04o", info.st_mode & 07777), "), who could replace the socket"));
  }
  return absl::OkStatus();
}

// Every directory from "/" down to `directory`.
absl::Status CheckChain(const std::string& directory, uid_t machine_owner) {
  for (size_t end = 0; end != std::string::npos;) {
    const size_t next = directory.find('/', end + 1);
    const std::string prefix = end == 0 ? "/" : directory.substr(0, end);
    const bool is_last = end == directory.size() || directory == "/";
    CLOISTER_RETURN_IF_ERROR(CheckOne(prefix, machine_owner, is_last));
    if (is_last) break;
    end = next == std::string::npos ? directory.size() : next;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSocketDirectory(const std::string& socket_path) {
  const size_t slash = socket_path.rfind('/');
  const std::string directory = slash == 0 ? "/" : socket_path.substr(0, slash);
  struct stat machine;
  if (stat("/", &machine) != 0) return ErrnoStatus(errno, "/");
  // As written: the directories that hold the links on the way. Then where the links lead.
  CLOISTER_RETURN_IF_ERROR(CheckChain(directory, machine.st_uid));
  char resolved[PATH_MAX];
  if (realpath(directory.c_str(), resolved) == nullptr) return ErrnoStatus(errno, directory);
  return CheckChain(resolved, machine.st_uid);
}

}  // namespace cloister::rpc
