#include "tests/bench/bwrap_command.h"

#include <sched.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "libs/capability/capability_set.h"
#include "libs/capability/names.h"

namespace cloister::bench {
namespace {

using internal::LaunchPlan;
using internal::Mask;
using internal::Mount;

class Arguments {
 public:
  template <typename... Words>
  void Add(const Words&... words) {
    (list_.push_back(absl::StrCat(words)), ...);
  }
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

std::string Octal(uint32_t mode) { return absl::StrFormat("%04o", mode); }

void AddIdentity(const LaunchPlan& plan, Arguments* arguments) {
  constexpr struct {
    uint64_t bit;
    const char* flag;
  } kNamespaces[] = {{CLONE_NEWPID, "--unshare-pid"},
                     {CLONE_NEWIPC, "--unshare-ipc"},
                     {CLONE_NEWUTS, "--unshare-uts"},
                     {CLONE_NEWNET, "--unshare-net"},
                     {CLONE_NEWCGROUP, "--unshare-cgroup"}};
  for (const auto& entry : kNamespaces) {
    if ((plan.namespaces() & entry.bit) != 0) arguments->Add(entry.flag);
  }
  arguments->Add("--unshare-user", "--uid", plan.identity().uid());
  arguments->Add("--gid", plan.identity().gid());
  // bwrap has no bounding set apart from the others: what the task could hold is what it holds.
  arguments->Add("--cap-drop", "ALL");
  for (const std::string& name : capability::SortedNames(
           capability::CapabilitySet::FromBits(plan.capabilities().effective()))) {
    arguments->Add("--cap-add", absl::StrCat("CAP_", absl::AsciiStrToUpper(name)));
  }
  // SESSION and DEATH_SIGNAL of a launch.
  arguments->Add("--new-session", "--die-with-parent", "--clearenv");
  for (const std::string& variable : plan.exec().env()) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(variable, absl::MaxSplits('=', 1));
    arguments->Add("--setenv", parts.first, parts.second);
  }
}

void AddEmptyDirectory(const std::string& inside, Arguments* arguments) {
  arguments->Add("--perms", "0555", "--tmpfs", inside, "--remount-ro", inside);
}

void AddRoot(const internal::RootTemplate& root, Arguments* arguments) {
  // bwrap's --proc, --dev and the like make their own mount points.
  for (const auto& directory : root.directories()) {
    arguments->Add("--perms", Octal(directory.mode()), "--dir", directory.inside());
  }
  for (const auto& link : root.links()) arguments->Add("--symlink", link.target(), link.inside());
  arguments->Add("--dev", "/dev", "--ro-bind", "/sys", "/sys");
  for (const auto& bind : root.binds()) {
    arguments->Add("--ro-bind", bind.outside(), bind.inside());
  }
  for (const std::string& inside : root.masked_sys_directories()) {
    AddEmptyDirectory(inside, arguments);
  }
}

void AddMount(const Mount& mount, absl::string_view task_directory, Arguments* arguments) {
  switch (mount.kind()) {
    case Mount::KIND_TMPFS:
      arguments->Add("--perms", Octal(mount.mode()), "--size", mount.size_bytes(), "--tmpfs",
                     mount.inside());
      return;
    case Mount::KIND_MQUEUE:
      arguments->Add("--mqueue", mount.inside());
      return;
    case Mount::KIND_TASK_DIRECTORY:
      arguments->Add(mount.read_only() ? "--ro-bind" : "--bind",
                     absl::StrCat(task_directory, "/", mount.source()), mount.inside());
      return;
    case Mount::KIND_PROC:
      arguments->Add("--proc", mount.inside());
      return;
    default:
      // devpts comes with --dev.
      return;
  }
}

void AddMask(const Mask& mask, Arguments* arguments) {
  // --proc makes these read-only by itself where they are writable (bubblewrap.c, cover_proc_dirs);
  // /proc/sys is not, in a user namespace.
  constexpr absl::string_view kCovered[] = {"/proc/bus", "/proc/irq", "/proc/sysrq-trigger"};
  const std::string& inside = mask.inside();
  if (mask.kind() == Mask::KIND_HIDDEN_FILE) {
    arguments->Add("--ro-bind", "/dev/null", inside);
  } else if (mask.kind() == Mask::KIND_HIDDEN_DIRECTORY) {
    AddEmptyDirectory(inside, arguments);
  } else if (std::find(std::begin(kCovered), std::end(kCovered), inside) == std::end(kCovered)) {
    arguments->Add("--ro-bind", inside, inside);
  }
}

}  // namespace

std::vector<std::string> MakeBwrapArguments(const LaunchPlan& plan,
                                            absl::string_view task_directory, bool seccomp) {
  Arguments arguments;
  AddIdentity(plan, &arguments);
  AddRoot(plan.root(), &arguments);
  for (const Mount& mount : plan.mounts()) AddMount(mount, task_directory, &arguments);
  for (const Mask& mask : plan.masks()) AddMask(mask, &arguments);
  arguments.Add("--remount-ro", "/dev", "--remount-ro", "/");
  if (seccomp) arguments.Add("--seccomp", kSeccompFd);
  arguments.Add("--chdir", plan.exec().work_dir(), "--", *plan.exec().candidates().rbegin());
  for (const std::string& arg : plan.exec().args()) arguments.Add(arg);
  return arguments.Take();
}

}  // namespace cloister::bench
