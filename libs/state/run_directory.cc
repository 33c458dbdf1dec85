#include "libs/state/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/owned_fd.h"
#include "libs/base/stable_hash.h"
#include "libs/base/status_macros.h"
#include "libs/state/layout.h"
#include "libs/state/tree_removal.h"

namespace cloister::state {
namespace {

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status CheckPath(absl::string_view what, const std::string& path) {
  if (path.empty() || path[0] != '/' || path == "/" || CleanPath(path) != path) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " '", path, "': not a clean absolute path"));
  }
  return absl::OkStatus();
}

// The directory that holds the run directory: whoever may write to it could put another one in its
// place, unless it is sticky, as /tmp is.
absl::Status CheckParent(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) return ErrnoStatus(errno, path);
  // In a user namespace root is nobody: whoever has "/" is as good.
  struct stat machine;
  if (stat("/", &machine) != 0) return ErrnoStatus(errno, "/");
  const bool ours =
      facts.st_uid == 0 || facts.st_uid == geteuid() || facts.st_uid == machine.st_uid;
  const bool open_to_others = (facts.st_mode & 0022) != 0 && (facts.st_mode & S_ISVTX) == 0;
  if (ours && !open_to_others) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "directory '%s' (owner %d, mode %#o): others could replace what is in it; choose "
      "a --run_dir elsewhere",
      path, facts.st_uid, facts.st_mode & 07777));
}

absl::StatusOr<OwnedFd> OpenChecked(const std::string& path, mode_t forbidden) {
  OwnedFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  struct stat facts;
  if (fstat(fd.get(), &facts) != 0) return ErrnoStatus(errno, path);
  if (facts.st_uid != geteuid() || (facts.st_mode & forbidden) != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "directory '%s' has owner %d and mode %#o, where it needs owner %d and no more than %#o",
        path, facts.st_uid, facts.st_mode & 07777, geteuid(), 0777 & ~forbidden));
  }
  return fd;
}

absl::Status MakeDirectoryAt(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
  return OpenChecked(path, 0777 & ~mode).status();
}

absl::StatusOr<std::string> ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof(target));
  if (size < 0) return ErrnoStatus(errno, path);
  return std::string(target, static_cast<size_t>(size));
}

absl::Status PointLink(const std::string& path, const std::string& target) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  (void)unlink(temporary.c_str());
  if (symlink(target.c_str(), temporary.c_str()) != 0) return ErrnoStatus(errno, path);
  if (rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

// That the run directory is this state directory's and no other's.
absl::Status Claim(const std::string& run_dir, const std::string& state_dir) {
  const std::string link = absl::StrCat(run_dir, "/", kStateLink);
  if (symlink(state_dir.c_str(), link.c_str()) == 0) return absl::OkStatus();
  if (errno != EEXIST) return ErrnoStatus(errno, link);
  CLOISTER_ASSIGN_OR_RETURN(const std::string owner, ReadLink(link));
  if (owner == state_dir) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("run directory '", run_dir, "' belongs to state directory '", owner,
                   "', not to '", state_dir, "': choose another --run_dir"));
}

}  // namespace

std::string DefaultRunDirectory(absl::string_view state_dir, uid_t uid) {
  const std::string hash = absl::StrFormat("%016x", StableHash64({state_dir}));
  if (uid == 0) return absl::StrCat("/run/cloister/", hash);
  const std::string user = absl::StrCat("/run/user/", uid);
  if (access(user.c_str(), W_OK) == 0) return absl::StrCat(user, "/cloister/", hash);
  return absl::StrCat("/tmp/cloister-", uid, "/", hash);
}

absl::StatusOr<RunDirectory> RunDirectory::Make(const std::string& state_dir,
                                                const std::string& wanted) {
  CLOISTER_RETURN_IF_ERROR(CheckPath("state directory", state_dir));
  std::string path = wanted;
  if (path.empty()) {
    path = DefaultRunDirectory(state_dir, geteuid());
    const std::string parent = ParentOf(path);
    CLOISTER_RETURN_IF_ERROR(CheckParent(ParentOf(parent)));
    CLOISTER_RETURN_IF_ERROR(MakeDirectoryAt(parent, 0755));
  }
  CLOISTER_RETURN_IF_ERROR(CheckPath("run directory", path));
  CLOISTER_RETURN_IF_ERROR(CheckParent(ParentOf(path)));
  CLOISTER_RETURN_IF_ERROR(MakeDirectoryAt(path, 0700));
  CLOISTER_RETURN_IF_ERROR(Claim(path, state_dir));
  CLOISTER_RETURN_IF_ERROR(PointLink(absl::StrCat(state_dir, "/", kRunLink), path));
  return RunDirectory(std::move(path));
}

absl::StatusOr<RunDirectory> RunDirectory::Find(const std::string& state_dir) {
  CLOISTER_RETURN_IF_ERROR(CheckPath("state directory", state_dir));
  CLOISTER_ASSIGN_OR_RETURN(std::string path, ReadLink(absl::StrCat(state_dir, "/", kRunLink)));
  CLOISTER_RETURN_IF_ERROR(CheckPath("run directory", path));
  CLOISTER_RETURN_IF_ERROR(CheckParent(ParentOf(path)));
  CLOISTER_RETURN_IF_ERROR(OpenChecked(path, 0077).status());
  CLOISTER_ASSIGN_OR_RETURN(const std::string owner, ReadLink(absl::StrCat(path, "/", kStateLink)));
  if (owner == state_dir) return RunDirectory(std::move(path));
  return absl::NotFoundError(absl::StrCat("run directory '", path, "' is used by '", owner,
                                          "' now, not by '", state_dir, "'"));
}

absl::StatusOr<std::string> RunDirectory::SocketPath(absl::string_view name) const {
  std::string path = absl::StrCat(path_, "/", name);
  if (path.size() > kMaxSocketPathBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("socket path '", path, "' has ", path.size(), " bytes, the kernel allows ",
                     kMaxSocketPathBytes, ": choose a shorter --run_dir"));
  }
  return path;
}

absl::Status RemoveRunDirectory(const std::string& state_dir) {
  absl::StatusOr<RunDirectory> run = RunDirectory::Find(state_dir);
  if (run.ok()) {
    CLOISTER_ASSIGN_OR_RETURN(const OwnedFd directory, OpenChecked(run->path(), 0077));
    CLOISTER_RETURN_IF_ERROR(RemoveContents(directory.get(), run->path(), ""));
    if (rmdir(run->path().c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, run->path());
    // The directory that the run directories of this machine share, once it is empty; otherwise it
    // stays.
    if (absl::EndsWith(ParentOf(run->path()), "/cloister"))
      (void)rmdir(ParentOf(run->path()).c_str());
  } else if (!absl::IsNotFound(run.status())) {
    return run.status();
  }
  const std::string link = absl::StrCat(state_dir, "/", kRunLink);
  if (unlink(link.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, link);
  return absl::OkStatus();
}

}  // namespace cloister::state
