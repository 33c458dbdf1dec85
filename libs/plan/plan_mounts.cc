#include "libs/plan/plan_mounts.h"

namespace cloister::plan {
namespace {

using internal::Mount;

void AddPart(const char* name, uint32_t mode, bool owned, Mount* mount) {
  Mount::Part* part = mount->add_parts();
  part->set_name(name);
  part->set_mode(mode);
  part->set_owned(owned);
}

// One mount for the three. Beside them the task may put what it likes, as the page's tasks do; with
// the sticky bit it cannot replace logs, which is closed to it: that is where a task once put links
// for its supervisor to follow (CVE-2026-6959).
void AddAlloc(Mount* alloc) {
  alloc->set_source("alloc");
  alloc->set_mode(01777);
  AddPart("data", 0700, true, alloc);
  AddPart("tmp", 0700, true, alloc);
  AddPart("logs", 0755, false, alloc);
}

}  // namespace

google::protobuf::RepeatedPtrField<Mount> PlanMounts(const task::TaskSpec& spec,
                                                     const node::NodeFacts& facts) {
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
  shm.set_size_bytes(spec.shm_bytes());
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
  AddAlloc(&add(Mount::KIND_TASK_DIRECTORY, "/alloc"));
  // Charged to the task's memory as it fills. Not to be executed from: it is for what is read.
  Mount& secrets = add(Mount::KIND_TMPFS, "/secrets");
  secrets.set_size_bytes(spec.secrets_bytes());
  secrets.set_mode(0700);
  secrets.set_noexec(true);
  secrets.set_owned(true);
  secrets.set_noswap(facts.tmpfs_noswap);
  for (const task::TaskMount& asked : spec.mounts()) {
    if (asked.type != task::TaskMount::Type::kOwn) continue;
    for (Mount& mount : mounts) {
      if (mount.inside() == asked.destination) mount.set_read_only(true);
    }
  }
  return mounts;
}

}  // namespace cloister::plan
