// The BPF program that says which devices a cgroup may open and make: built as plain numbers,
// without libbpf. Pure; device_filter.h loads it.
//
// Source: kernel, Documentation/bpf/instruction-set.rst; include/uapi/linux/bpf.h, struct
// bpf_cgroup_dev_ctx.
#ifndef CLOISTER_LIBS_LAUNCH_DEVICE_PROGRAM_H_
#define CLOISTER_LIBS_LAUNCH_DEVICE_PROGRAM_H_

#include <linux/bpf.h>

#include <vector>

#include "cloister/internal/plan.pb.h"

namespace cloister {
namespace launch {

// Denies everything but reading and writing of the standard nodes (null zero full random urandom
// tty ptmx, and what devpts has), and what `devices` adds. Whoever wants several accesses at once
// gets them by one rule or not at all.
std::vector<bpf_insn> MakeDeviceProgram(const internal::DevicePlan& devices);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_DEVICE_PROGRAM_H_
