#include "libs/node/kernel_features.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"

namespace cloister::node {
namespace {

// For calls that are given nonsense: EINVAL says that the kernel knows them.
int ErrorBut(int expected, int64_t result) {
  if (result >= 0) return 0;
  return errno == expected ? 0 : errno;
}

int ErrorOfOpening(int64_t result) {
  if (result < 0) return errno;
  OwnedFd(static_cast<int>(result)).reset();
  return 0;
}

// A size below the first version's is refused before anything is looked at.
int TryClone3() { return ErrorBut(EINVAL, syscall(SYS_clone3, nullptr, size_t{0})); }

int TryOpenat2() {
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  return ErrorOfOpening(syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how)));
}

int TryPidfdOpen() { return ErrorOfOpening(syscall(SYS_pidfd_open, getpid(), 0)); }

int TryPidfdSendSignal() {
  OwnedFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self.valid()) return errno;
  // Signal 0 only asks.
  return ErrorBut(0, syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, 0));
}

// The range is empty of descriptors.
int TryCloseRange() { return ErrorBut(0, syscall(SYS_close_range, UINT_MAX, UINT_MAX, 0)); }

int TryOpenTree() {
  return ErrorOfOpening(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLOEXEC));
}

// EPERM, without the privilege to mount, is an answer too: tasks cannot be launched then.
int TryMoveMount() { return ErrorBut(EINVAL, syscall(SYS_move_mount, -1, "", -1, "", ~0u)); }

int TryMountSetattr() {
  return ErrorBut(EINVAL, syscall(SYS_mount_setattr, -1, "", 0, nullptr, size_t{0}));
}

enum class Without { kNoTasks, kAnotherWay, kClassicMounts };

constexpr struct {
  const char* name;
  int (*attempt)();
  Without without;
} kFeatures[] = {
    {"clone3", TryClone3, Without::kAnotherWay},
    {"openat2", TryOpenat2, Without::kNoTasks},
    {"pidfd_open", TryPidfdOpen, Without::kNoTasks},
    {"pidfd_send_signal", TryPidfdSendSignal, Without::kNoTasks},
    {"close_range", TryCloseRange, Without::kAnotherWay},
    {"open_tree", TryOpenTree, Without::kClassicMounts},
    {"move_mount", TryMoveMount, Without::kClassicMounts},
    {"mount_setattr", TryMountSetattr, Without::kClassicMounts},
};

// What becomes of a node that lacks it. One that is there and refused (EPERM) is not lacking.
Without WhatWithout(const KernelFeature& feature) {
  if (feature.error_number != ENOSYS) return Without::kNoTasks;
  for (const auto& known : kFeatures) {
    if (feature.name == known.name) return known.without;
  }
  return Without::kNoTasks;
}

}  // namespace

std::vector<KernelFeature> TryKernelFeatures() {
  std::vector<KernelFeature> features;
  for (const auto& feature : kFeatures) {
    features.push_back(KernelFeature{feature.name, feature.attempt()});
  }
  return features;
}

bool TmpfsKnowsNoswap() {
  OwnedFd context(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  return context.valid() &&
         syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG, "noswap", nullptr, 0) == 0;
}

bool BpfFiltersDevices() {
  // Allows everything.
  bpf_insn program[2] = {};
  program[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  program[0].imm = 1;
  program[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program);
  attributes.insn_cnt = 2;
  attributes.license = reinterpret_cast<uint64_t>("");
  return ErrorOfOpening(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes))) == 0;
}

bool LacksMountCalls(const std::vector<KernelFeature>& features) {
  return std::any_of(features.begin(), features.end(), [](const KernelFeature& feature) {
    return feature.error_number != 0 && WhatWithout(feature) == Without::kClassicMounts;
  });
}

absl::Status CheckKernelFeatures(const std::vector<KernelFeature>& features) {
  std::vector<std::string> missing;
  for (const KernelFeature& feature : features) {
    if (feature.error_number == 0 || WhatWithout(feature) != Without::kNoTasks) continue;
    missing.push_back(absl::StrCat(feature.name, ": ", ErrnoWords(feature.error_number)));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("this node cannot run tasks: ", absl::StrJoin(missing, "; "),
                   ". Linux 6.1 or newer is needed, and the privilege to make namespaces"));
}

}  // namespace cloister::node
