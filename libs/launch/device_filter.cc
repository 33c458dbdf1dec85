#include "libs/launch/device_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/device_program.h"

namespace cloister {
namespace launch {
namespace {

uint64_t Pointer(const void* address) { return reinterpret_cast<uint64_t>(address); }

absl::StatusOr<OwnedFd> LoadProgram(const std::vector<bpf_insn>& program) {
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = Pointer(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = Pointer(kLicense);
  // Descriptors of bpf(2) are close-on-exec.
  OwnedFd fd(static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes))));
  if (!fd.valid()) return ErrnoStatus(errno, "bpf: device program");
  return fd;
}

}  // namespace

absl::Status AttachDeviceFilter(const internal::CgroupPlan& cgroup, const std::string& name,
                                const internal::DevicePlan& devices) {
  for (const internal::CgroupPlan::Hierarchy& hierarchy : cgroup.hierarchies()) {
    if (!hierarchy.unified()) continue;
    const std::string path = absl::StrCat(hierarchy.mount_point(), "/", hierarchy.parent(),
                                          name.empty() ? "" : "/", name);
    OwnedFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return ErrnoStatus(errno, path);
    absl::StatusOr<OwnedFd> program = LoadProgram(MakeDeviceProgram(devices));
    if (!program.ok()) return program.status();
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.target_fd = static_cast<uint32_t>(directory.get());
    attributes.attach_bpf_fd = static_cast<uint32_t>(program->get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    // A slot's own stands in the place of its parent's, not beside it: with both, what the parent
    // denies would stay denied.
    attributes.attach_flags = BPF_F_ALLOW_OVERRIDE;
    if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof(attributes)) != 0) {
      return ErrnoStatus(errno, absl::StrCat("bpf: device program on '", path, "'"));
    }
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("device program: the plan has no v2 hierarchy");
}

}  // namespace launch
}  // namespace cloister
