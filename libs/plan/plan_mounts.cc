#include "libs/plan/plan_mounts.h"

namespace cloister::plan {
namespace {

using internal::Mount;

// As Docker and the exec driver have it.
constexpr uint64_t kShmBytes = 64 << 20;

}  // namespace

google::protobuf::RepeatedPtrField<Mount> PlanMounts() {
  google::protobuf::RepeatedPtrField<Mount> mounts;
  const auto add = [&mounts](Mount::Kind kind, const char* inside) -> Mount& {
    Mount* mount = mounts.Add();
    mount->set_kind(kind);
    mount->set_inside(inside);
    return *mount;
  };
  // First, as everything that reads /proc/self needs it, ourselves included.
  add(Mount::KIND_PROC, "/proc").set_noexec(true);
  add(Mount::KIND_DEVPTS, "/dev/pts").set_noexec(true);
  Mount& shm = add(Mount::KIND_TMPFS, "/dev/shm");
  shm.set_size_bytes(kShmBytes);
  shm.set_mode(01777);
  shm.set_noexec(true);
  add(Mount::KIND_MQUEUE, "/dev/mqueue").set_noexec(true);
  Mount& tmp = add(Mount::KIND_TASK_DIRECTORY, "/tmp");
  tmp.set_source("tmp");
  tmp.set_mode(01777);
  // The task's user owns it, and nobody else on the node can look into it.
  Mount& local = add(Mount::KIND_TASK_DIRECTORY, "/local");
  local.set_source("local");
  local.set_mode(0700);
  return mounts;
}

}  // namespace cloister::plan
