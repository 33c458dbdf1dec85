#include "tools/cloister/machine_check.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/placement.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"
#include "tools/cloister/error_text.h"

namespace cloister {
namespace {

// On a thread that ends at once: namespaces are a thread's, and this program keeps its own.
int TryNamespace(int flag) {
  int error = 0;
  std::thread([&] {
    if (unshare(flag) != 0) error = errno;
  }).join();
  return error;
}

std::string MissingNamespaces() {
  const struct {
    const char* name;
    int flag;
  } kRows[] = {{"mount", CLONE_NEWNS},
               {"pid", CLONE_NEWPID},
               {"ipc", CLONE_NEWIPC},
               {"uts", CLONE_NEWUTS},
               {"cgroup", CLONE_NEWCGROUP}};
  std::vector<std::string> missing;
  for (const auto& row : kRows) {
    const int error = TryNamespace(row.flag);
    if (error != 0) missing.push_back(absl::StrCat(row.name, ": ", ErrnoWords(error)));
  }
  return absl::StrJoin(missing, ", ");
}

}  // namespace

absl::StatusOr<MachineFacts> ReadMachineFacts() {
  MachineFacts facts;
  facts.effective_uid = geteuid();
  facts.missing_namespaces = MissingNamespaces();
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(facts.cgroups, node::ReadCgroupFacts(root));
  return facts;
}

absl::Status CheckMachine(const MachineFacts& facts, const std::string& cgroups) {
  // The executor makes a user namespace then, and says itself what it lacks.
  if (facts.effective_uid != 0) return absl::OkStatus();
  if (!facts.missing_namespaces.empty()) {
    return WithHint(absl::FailedPreconditionError(
                        absl::StrCat("this machine lets us make no ", facts.missing_namespaces)),
                    "in a container: run it with CAP_SYS_ADMIN and without its seccomp profile "
                    "(docker run --privileged)");
  }
  if (cgroups == "none") return absl::OkStatus();
  const auto uses = cgroup::ChooseHierarchies(facts.cgroups);
  std::string why;
  if (!uses.ok()) {
    why = std::string(uses.status().message());
  } else if (uses->empty()) {
    why = "no cgroup hierarchy is mounted";
  }
  if (why.empty()) return absl::OkStatus();
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("tasks cannot be limited here: ", why)),
      "--cgroups=none: tasks are fenced then, but memory, cpu and pids are not limited");
}

}  // namespace cloister
