// Makes a tree beneath a directory, from entries that are not trusted. For unpack and copy_tree.
//
// Nothing is opened through a link: directories by openat2(2) with RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS, one component at a time, files with O_EXCL. Nobody else may write to the
// tree meanwhile. Directories are 0700 until Finish.
#ifndef CLOISTER_LIBS_ARTIFACT_TREE_WRITER_H_
#define CLOISTER_LIBS_ARTIFACT_TREE_WRITER_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

struct TreeOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// What an entry is to have in the end.
struct EntryFacts {
  // 0 to 0777.
  mode_t mode = 0;
  // None: the time at which it is made.
  absl::optional<timespec> mtime;
};

// Components from the top; at least one.
using EntryPath = std::vector<std::string>;

class TreeWriter {
 public:
  // `top` is borrowed. `owner`: of all that is made; none: the process's. `implied` is the mode of
  // directories that no entry names.
  TreeWriter(int top, absl::optional<TreeOwner> owner, mode_t implied);

  // An earlier entry of the same path is replaced, unless one of the two is a directory; two
  // directories are one. Errors name the path.
  absl::Status MakeDirectory(const EntryPath& path, const EntryFacts& facts);
  absl::Status MakeSymlink(const EntryPath& path, const std::string& target,
                           const absl::optional<timespec>& mtime);
  // A second name for a regular file that is there already; gives the file's size.
  absl::StatusOr<uint64_t> MakeHardLink(const EntryPath& path, const EntryPath& target);
  // A new empty file, open for writing. FinishFile when its content is written.
  absl::StatusOr<OwnedFd> CreateFile(const EntryPath& path, const EntryFacts& facts);
  absl::Status FinishFile(const EntryPath& path, int fd, const EntryFacts& facts);

  // Gives the directories their modes, owners and times. Once, at the end.
  absl::Status Finish();

  // That were made, also those that no entry names.
  uint64_t directories() const { return directories_.size(); }

 private:
  struct Level {
    std::string name;
    OwnedFd fd;
  };

  // The directory that `path` lies in; makes what is missing. Valid until the next call.
  absl::StatusOr<int> OpenParent(const EntryPath& path);
  absl::StatusOr<OwnedFd> EnterOrMake(int parent, const EntryPath& path, size_t index);
  // Removes what is at `name` unless it is a directory.
  absl::Status RemoveOld(int parent, const EntryPath& path);
  absl::Status Own(int fd, const EntryPath& path) const;
  int TopOfStack() const { return stack_.empty() ? top_ : stack_.back().fd.get(); }

  const int top_;
  const absl::optional<TreeOwner> owner_;
  const mode_t implied_;
  // Bits that creating takes from a mode (umask(2) and default ACLs).
  const mode_t taken_;
  // The directories on the way to the last parent.
  std::vector<Level> stack_;
  // By path, so that a directory comes before what lies in it.
  std::map<EntryPath, EntryFacts> directories_;
};

// "a/b/c", fit for messages.
std::string ShownPath(const EntryPath& path);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TREE_WRITER_H_
