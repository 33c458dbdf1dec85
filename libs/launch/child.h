// The inside half of a launch: what the child does between clone and exec. It shares the launcher's
// memory and descriptor table, its thread sleeps meanwhile (CLONE_VM | CLONE_VFORK | CLONE_FILES),
// and only raw system calls run in it.
//
// ChildContext is prepared before the clone and only read by the child.
#ifndef CLOISTER_LIBS_LAUNCH_CHILD_H_
#define CLOISTER_LIBS_LAUNCH_CHILD_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace cloister {
namespace launch {

constexpr int kMaxMounts = 160;
constexpr int kMaxFiles = 8;
constexpr int kMaxJoins = 8;
// Value of ChildMount::tree: the mount waits at the path `options`.
constexpr int kStagedTree = -2;

// What is made in a tmpfs; see KIND_COPIED of the plan.
struct ChildCopy {
  // Of a link; else nullptr.
  const char* target;
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
};

struct ChildMount {
  const char* inside;
  // A detached tree to move there, or -1: then a new `type` with `options`. See kStagedTree.
  int tree;
  const char* type;
  const char* options;
  unsigned long flags;
  // `inside` is the task's choice: no link may be on the way there.
  bool chosen;
  // Not a mount: the file of which `tree` is the content, or a directory or link. nullptr: a mount.
  const ChildCopy* copy;
};

struct ChildMask {
  enum Kind : int { kHiddenFile, kHiddenDirectory, kReadOnly };
  Kind kind;
  const char* inside;
};

struct ChildRlimit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

struct ChildFile {
  const char* content;
  size_t size;
};

struct ChildLandlockRule {
  const char* inside;
  uint64_t access;
  // `inside` is the task's choice: where it cannot go it needs no rule.
  bool chosen;
};

// Pointers are borrowed from the FlatPlan that made it.
struct ChildContext {
  // Files `tasks` of the v1 hierarchies, open for writing.
  int joins[kMaxJoins];
  int join_count;
  const ChildMount* mounts;
  int mount_count;
  const ChildMask* masks;
  int mask_count;
  const ChildRlimit* rlimits;
  int rlimit_count;
  // Text, as /proc has it.
  const char* oom_score_adj;
  size_t oom_score_adj_size;
  // Empty: the node's.
  const char* hostname;
  size_t hostname_size;
  // Places of generated files, which are in `files_tree` by their numbers.
  const char* const* files;
  int file_count;
  int files_tree;
  // Mounted by mount(2) alone: trees wait in the template (classic_root.h), and the content of the
  // files is here.
  bool classic_mounts;
  const ChildFile* file_contents;
  // Of their tmpfs.
  const char* file_options;
  uint32_t uid;
  uint32_t gid;
  const uint32_t* groups;
  int group_count;
  // Of the task's own user namespace of one id, "INSIDE OUTSIDE 1"; nullptr: it has none.
  const char* uid_map;
  const char* gid_map;
  // The task's own user namespace of many ids, which is made already; -1: it has none.
  int user_namespace;
  // Bits to drop from the bounding set that the launch thread left.
  uint64_t bounding_drop;
  uint64_t permitted;
  uint64_t effective;
  uint64_t inheritable;
  uint64_t ambient;
  bool no_new_privs;
  // LANDLOCK_ACCESS_FS_* that are refused unless a rule allows them, LANDLOCK_SCOPE_*.
  uint64_t landlock_access;
  uint64_t landlock_scoped;
  const ChildLandlockRule* landlock_rules;
  int landlock_rule_count;
  // Of sock_fprog, or nullptr.
  const void* seccomp_program;
  const char* work_dir;
  uint32_t umask;
  // Descriptors below first_foreign_fd; see LowFds.
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  int report_fd;
  int init_fd;
  // All from here on belong to the launcher and other tasks.
  int first_foreign_fd;
  char* const* init_argv;
  char* const* envp;
  // Fault injection for tests: this step fails with this errno instead of running. 0 in production.
  int fail_step;
  int fail_error;
};

// Runs the inside steps in order, the last of which is the exec of init. Returns only by exiting: a
// failure is told over report_fd as ReportMessage{FAILED, step, index, errno}.
[[noreturn]] void RunChild(const ChildContext* context);

// The names of the inside steps in order, for docs/launch-sequence.md and tests; values of
// LaunchStep.
struct StepList {
  const int* steps;
  int count;
};
StepList InsideSteps();

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CHILD_H_
