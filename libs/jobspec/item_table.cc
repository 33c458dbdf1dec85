#include "libs/jobspec/item_table.h"

#include "absl/strings/str_cat.h"

namespace cloister::jobspec {
namespace {

constexpr ItemKind kAttribute = ItemKind::kAttribute;
constexpr ItemKind kBlock = ItemKind::kBlock;
constexpr ItemKind kMap = ItemKind::kMap;
constexpr Disposition kHonoured = Disposition::kHonoured;
constexpr Disposition kScheduler = Disposition::kSchedulerOnly;
constexpr Disposition kRefused = Disposition::kRefused;
constexpr Disposition kNotYet = Disposition::kReadAndRefused;

constexpr absl::string_view kChoosesNodes = "chooses nodes, and --node or the frontend does that";
constexpr absl::string_view kNoServices = "there is no service discovery";
constexpr absl::string_view kNoVault = "there is no Vault";
constexpr absl::string_view kNoConsul = "there is no Consul";
constexpr absl::string_view kReplaces = "replaces allocations that failed or whose job changed";
constexpr absl::string_view kInner = "part of its block";

constexpr Item kFile[] = {
    {"file", "job", kBlock, kHonoured, "one job with one group with one task", "name"},
    {"file", "task", kBlock, kHonoured, "a task without a job around it", "name"},
    {"file", "volume", kBlock, kHonoured, "a volume of the task that stands beside it", "name"},
    {"file", "variable", kBlock, kHonoured,
     "a value for var.NAME: --var, --var-file or its default", "name"},
    {"file", "locals", kMap, kHonoured, "values for local.NAME"},
};

constexpr Item kJob[] = {
    {"job", "id", kAttribute, kHonoured, "NOMAD_JOB_ID; the job's label if left out"},
    {"job", "name", kAttribute, kHonoured, "NOMAD_JOB_NAME; the job's id if left out"},
    {"job", "namespace", kAttribute, kHonoured, "NOMAD_NAMESPACE; places nothing"},
    {"job", "region", kAttribute, kHonoured, "NOMAD_REGION; places nothing"},
    {"job", "type", kAttribute, kScheduler, "\"service\" or \"batch\"; others are refused"},
    {"job", "meta", kMap, kHonoured, "NOMAD_META_KEY, beneath that of the group and the task"},
    {"job", "constraint", kBlock, kHonoured, "before those of the group and the task"},
    {"job", "group", kBlock, kHonoured, "exactly one", "name"},
    {"job", "task", kBlock, kHonoured, "stands for a group of its name with this task", "name"},
    {"job", "affinity", kBlock, kScheduler, kChoosesNodes},
    {"job", "all_at_once", kAttribute, kScheduler, "places groups together; there is one"},
    {"job", "datacenters", kAttribute, kScheduler, kChoosesNodes},
    {"job", "node_pool", kAttribute, kScheduler, kChoosesNodes},
    {"job", "priority", kAttribute, kScheduler, "orders jobs that wait; nothing waits here"},
    {"job", "migrate", kBlock, kScheduler, "moves allocations off a node that is drained"},
    {"job", "reschedule", kBlock, kScheduler, kReplaces},
    {"job", "spread", kBlock, kScheduler, kChoosesNodes},
    {"job", "ui", kBlock, kScheduler, "is shown in a scheduler's pages"},
    {"job", "update", kBlock, kScheduler, kReplaces},
    {"job", "consul", kBlock, kRefused, kNoConsul},
    {"job", "consul_token", kAttribute, kRefused, kNoConsul},
    {"job", "multiregion", kBlock, kRefused, "there is one region"},
    {"job", "parameterized", kBlock, kRefused, "jobs are run, not dispatched"},
    {"job", "periodic", kBlock, kRefused, "nothing runs by the clock"},
    {"job", "vault", kBlock, kRefused, kNoVault},
    {"job", "vault_token", kAttribute, kRefused, kNoVault},
};

constexpr Item kGroup[] = {
    {"group", "count", kAttribute, kHonoured, "must be 1: a file is one task"},
    {"group", "meta", kMap, kHonoured, "NOMAD_META_KEY, over the job's, beneath the task's"},
    {"group", "constraint", kBlock, kHonoured, "between those of the job and the task"},
    {"group", "volume", kBlock, kHonoured, "a host_volume of the node's policy", "name"},
    {"group", "restart", kBlock, kHonoured, "only as what happens anyway: no restart"},
    {"group", "task", kBlock, kHonoured, "exactly one", "name"},
    {"group", "affinity", kBlock, kScheduler, kChoosesNodes},
    {"group", "disconnect", kBlock, kScheduler, "replaces allocations of nodes that are away"},
    {"group", "ephemeral_disk", kBlock, kScheduler, "chooses nodes by their room on disk"},
    {"group", "max_client_disconnect", kAttribute, kScheduler,
     "replaces allocations of nodes that are away"},
    {"group", "migrate", kBlock, kScheduler, "moves allocations off a node that is drained"},
    {"group", "prevent_reschedule_on_lost", kAttribute, kScheduler, kReplaces},
    {"group", "reschedule", kBlock, kScheduler, kReplaces},
    {"group", "scaling", kBlock, kScheduler, "is an autoscaler's"},
    {"group", "spread", kBlock, kScheduler, kChoosesNodes},
    {"group", "update", kBlock, kScheduler, kReplaces},
    {"group", "consul", kBlock, kRefused, kNoConsul},
    {"group", "network", kBlock, kRefused, "a task has the node's network"},
    {"group", "service", kBlock, kRefused, kNoServices},
    {"group", "shutdown_delay", kAttribute, kRefused, kNoServices},
    {"group", "stop_after_client_disconnect", kAttribute, kRefused,
     "a task goes on when its node is cut off"},
    {"group", "vault", kBlock, kRefused, kNoVault},
};

constexpr Item kTask[] = {
    {"task", "driver", kAttribute, kHonoured, "must be \"exec\""},
    {"task", "config", kBlock, kHonoured, "what the driver runs, and how"},
    {"task", "env", kMap, kHonoured, "the task's environment; values are interpolated"},
    {"task", "user", kAttribute, kHonoured, "whom the task runs as"},
    {"task", "resources", kBlock, kHonoured, "its limits"},
    {"task", "volume_mount", kBlock, kHonoured, "where a volume is in the task's root"},
    {"task", "kill_timeout", kAttribute, kHonoured, "from the stop signal to the kill"},
    {"task", "kill_signal", kAttribute, kHonoured, "the signal that a stop sends first"},
    {"task", "meta", kMap, kHonoured, "NOMAD_META_KEY, over the job's and the group's"},
    {"task", "artifact", kBlock, kHonoured, "fetched before the start"},
    {"task", "constraint", kBlock, kHonoured, "what the node must be"},
    {"task", "restart", kBlock, kHonoured, "only as what happens anyway: no restart"},
    {"task", "affinity", kBlock, kScheduler, kChoosesNodes},
    {"task", "leader", kAttribute, kScheduler, "ends the tasks beside it; there are none"},
    {"task", "scaling", kBlock, kScheduler, "is an autoscaler's", "name"},
    {"task", "lifecycle", kBlock, kNotYet, "orders the tasks of a group"},
    {"task", "logs", kBlock, kNotYet, "bounds the files of the task's output"},
    {"task", "template", kBlock, kNotYet, "is rendered into the task's directory"},
    {"task", "action", kBlock, kRefused, "runs a command in a running task", "name"},
    {"task", "consul", kBlock, kRefused, kNoConsul},
    {"task", "csi_plugin", kBlock, kRefused, "there are no CSI volumes"},
    {"task", "dispatch_payload", kBlock, kRefused, "jobs are run, not dispatched"},
    {"task", "identity", kBlock, kRefused, "there are no workload identities"},
    {"task", "kind", kAttribute, kRefused, kNoConsul},
    {"task", "schedule", kBlock, kRefused, "nothing runs by the clock"},
    {"task", "secret", kBlock, kRefused, "there are no stores of secrets", "name"},
    {"task", "service", kBlock, kRefused, kNoServices},
    {"task", "shutdown_delay", kAttribute, kRefused, kNoServices},
    {"task", "vault", kBlock, kRefused, kNoVault},
};

constexpr Item kConfig[] = {
    {"config", "command", kAttribute, kHonoured, "what runs; required"},
    {"config", "args", kAttribute, kHonoured, "its arguments"},
    {"config", "pid_mode", kAttribute, kHonoured, "\"private\" or \"host\""},
    {"config", "ipc_mode", kAttribute, kHonoured, "\"private\" or \"host\""},
    {"config", "cap_add", kAttribute, kHonoured, "capabilities that it gets"},
    {"config", "cap_drop", kAttribute, kHonoured, "capabilities that it loses"},
    {"config", "work_dir", kAttribute, kHonoured, "the directory it starts in"},
    {"config", "chroot_env", kAttribute, kHonoured, "what of the node's entries its root holds"},
    {"config", "init", kAttribute, kHonoured,
     "whether an init of ours is PID 1, and not the command"},
    {"config", "root", kAttribute, kHonoured, "\"read-only\" or \"overlay\""},
    {"config", "root_size", kAttribute, kHonoured, "bytes of what it changes of its root"},
    {"config", "userns", kAttribute, kHonoured, "\"private\" or \"host\": ids of its own"},
    {"config", "seccomp", kAttribute, kHonoured, "its filter of system calls"},
    {"config", "landlock", kAttribute, kHonoured, "whether Landlock stands behind its mounts"},
    {"config", "no_new_privs", kAttribute, kHonoured, "whether set-user-id programs give nothing"},
    {"config", "masked_paths", kAttribute, kHonoured, "whether parts of /proc and /sys are hidden"},
    {"config", "hostname", kAttribute, kHonoured, "its host name"},
    {"config", "oom_score_adj", kAttribute, kHonoured, "how gladly it is killed for memory"},
    {"config", "shm_size", kAttribute, kHonoured, "bytes of /dev/shm"},
    {"config", "rlimit", kBlock, kHonoured, "a limit of its processes", "name"},
    {"config", "mount", kBlock, kHonoured, "a directory of the node, memory, or its own read-only"},
    {"config", "device", kBlock, kHonoured, "a device of the node"},
    {"config", "dns", kBlock, kHonoured, "how names are resolved"},
};

constexpr Item kRlimit[] = {
    {"rlimit", "soft", kAttribute, kHonoured, "what holds; alone it is both"},
    {"rlimit", "hard", kAttribute, kHonoured, "what the task may raise it to"},
};

constexpr Item kMount[] = {
    {"mount", "type", kAttribute, kHonoured, "\"bind\", \"tmpfs\" or \"own\""},
    {"mount", "source", kAttribute, kHonoured, "of a bind: the node's directory"},
    {"mount", "destination", kAttribute, kHonoured, "where it is in the task"},
    {"mount", "read_only", kAttribute, kHonoured, "whether the task may not write"},
    {"mount", "noexec", kAttribute, kHonoured, "whether nothing may be executed from it"},
    {"mount", "size", kAttribute, kHonoured, "of a tmpfs: bytes"},
    {"mount", "mode", kAttribute, kHonoured, "of a tmpfs: octal"},
};

constexpr Item kDevice[] = {
    {"device", "host_path", kAttribute, kHonoured, "the node's device"},
    {"device", "task_path", kAttribute, kHonoured, "where it is in the task"},
    {"device", "permissions", kAttribute, kHonoured, "of \"rwm\""},
};

constexpr Item kDns[] = {
    {"dns", "servers", kAttribute, kHonoured, "addresses of name servers"},
    {"dns", "searches", kAttribute, kHonoured, "domains that are tried"},
    {"dns", "options", kAttribute, kHonoured, "of resolv.conf"},
};

constexpr Item kResources[] = {
    {"resources", "cpu", kAttribute, kHonoured, "weight, in MHz as the scheduler counts"},
    {"resources", "memory", kAttribute, kHonoured, "MiB"},
    {"resources", "memory_max", kAttribute, kHonoured, "MiB; -1: without limit"},
    {"resources", "secrets", kAttribute, kHonoured, "MiB of /secrets"},
    {"resources", "pids", kAttribute, kHonoured, "most processes and threads at once"},
    {"resources", "cores", kAttribute, kNotYet, "cores of the task's own"},
    {"resources", "device", kBlock, kRefused, "there are no device plugins", "name"},
    {"resources", "disk", kAttribute, kRefused, "is not of the job specification any more"},
    {"resources", "iops", kAttribute, kRefused, "is not of the job specification any more"},
    {"resources", "network", kBlock, kRefused, "a task has the node's network"},
    {"resources", "numa", kBlock, kRefused, "there are no cores of a task's own"},
};

constexpr Item kConstraint[] = {
    {"constraint", "attribute", kAttribute, kHonoured, "usually \"${attr.NAME}\""},
    {"constraint", "operator", kAttribute, kHonoured, "\"=\" if left out"},
    {"constraint", "value", kAttribute, kHonoured, "what the attribute is held against"},
    {"constraint", "version", kAttribute, kHonoured, "operator \"version\" with this value"},
    {"constraint", "semver", kAttribute, kHonoured, "operator \"semver\" with this value"},
    {"constraint", "regexp", kAttribute, kHonoured, "operator \"regexp\" with this value"},
    {"constraint", "set_contains", kAttribute, kHonoured,
     "operator \"set_contains\" with this value"},
    {"constraint", "set_contains_any", kAttribute, kHonoured,
     "operator \"set_contains_any\" with this value"},
    {"constraint", "distinct_hosts", kAttribute, kScheduler, "holds: there is one task"},
    {"constraint", "distinct_property", kAttribute, kScheduler, "holds: there is one task"},
};

constexpr Item kVolume[] = {
    {"volume", "type", kAttribute, kHonoured, "\"host\" or nothing"},
    {"volume", "source", kAttribute, kHonoured, "the host_volume; the label if left out"},
    {"volume", "read_only", kAttribute, kHonoured, "nobody writes to it through the task"},
    {"volume", "access_mode", kAttribute, kScheduler, kChoosesNodes},
    {"volume", "attachment_mode", kAttribute, kScheduler, kChoosesNodes},
    {"volume", "sticky", kAttribute, kScheduler, kChoosesNodes},
    {"volume", "mount_options", kBlock, kRefused, "there are no CSI volumes"},
    {"volume", "per_alloc", kAttribute, kRefused, "a file is one task"},
};

constexpr Item kVolumeMount[] = {
    {"volume_mount", "volume", kAttribute, kHonoured, "label of a volume"},
    {"volume_mount", "destination", kAttribute, kHonoured, "where, inside; interpolated"},
    {"volume_mount", "read_only", kAttribute, kHonoured, "the kernel refuses writes"},
    {"volume_mount", "propagation_mode", kAttribute, kHonoured,
     "\"private\", \"host-to-task\" or \"bidirectional\""},
    {"volume_mount", "selinux_label", kAttribute, kRefused, "labels of the node are not changed"},
};

constexpr Item kRestart[] = {
    {"restart", "attempts", kAttribute, kHonoured, "must be 0"},
    {"restart", "mode", kAttribute, kHonoured, "must be \"fail\""},
    {"restart", "delay", kAttribute, kScheduler, "between restarts; there are none"},
    {"restart", "interval", kAttribute, kScheduler, "in which attempts count; there are none"},
    {"restart", "render_templates", kAttribute, kScheduler, "at restarts; there are none"},
};

constexpr Item kArtifact[] = {
    {"artifact", "source", kAttribute, kHonoured, "where it is fetched from; required"},
    {"artifact", "destination", kAttribute, kHonoured, "where it goes; \"local/\""},
    {"artifact", "mode", kAttribute, kHonoured, "\"any\", \"file\" or \"dir\""},
    {"artifact", "options", kMap, kHonoured, "checksum, archive, ref, credentials, ..."},
    {"artifact", "headers", kMap, kHonoured, "of the request"},
    {"artifact", "chown", kAttribute, kHonoured, "a copy that the task's user owns"},
    {"artifact", "cache", kAttribute, kHonoured, "\"tenant\", \"public\" or \"off\""},
    {"artifact", "insecure", kAttribute, kRefused, "certificates are always checked"},
};

constexpr Item kTemplate[] = {
    {"template", "source", kAttribute, kHonoured, "a file of the task's directory"},
    {"template", "data", kAttribute, kHonoured, "the template itself"},
    {"template", "destination", kAttribute, kHonoured, "where it goes"},
    {"template", "change_mode", kAttribute, kHonoured, "what happens when it changes"},
    {"template", "change_signal", kAttribute, kHonoured, "with change_mode = \"signal\""},
    {"template", "perms", kAttribute, kHonoured, "of the file"},
    {"template", "env", kAttribute, kHonoured, "whether it is environment"},
    {"template", "change_script", kBlock, kRefused, "templates change nothing"},
    {"template", "error_on_missing_key", kAttribute, kRefused, "an unknown key is an error"},
    {"template", "gid", kAttribute, kRefused, "the file is the task's user's"},
    {"template", "left_delimiter", kAttribute, kRefused, "it is {{"},
    {"template", "once", kAttribute, kRefused, "templates are rendered once"},
    {"template", "right_delimiter", kAttribute, kRefused, "it is }}"},
    {"template", "splay", kAttribute, kRefused, "templates change nothing"},
    {"template", "uid", kAttribute, kRefused, "the file is the task's user's"},
    {"template", "vault_grace", kAttribute, kRefused, kNoVault},
    {"template", "wait", kBlock, kRefused, "templates are rendered once"},
};

constexpr Item kSmall[] = {
    {"lifecycle", "hook", kAttribute, kHonoured, "\"prestart\", \"poststart\" or \"poststop\""},
    {"lifecycle", "sidecar", kAttribute, kHonoured, "whether it runs beside the main task"},
    {"logs", "max_files", kAttribute, kHonoured, "files kept"},
    {"logs", "max_file_size", kAttribute, kHonoured, "MiB of each"},
    {"logs", "disabled", kAttribute, kHonoured, "no output is kept"},
    {"logs", "enabled", kAttribute, kRefused, "write disabled"},
};

// Of blocks that are scheduler-only: read for nothing but mistakes.
constexpr Item kSchedulers[] = {
    {"affinity", "attribute", kAttribute, kScheduler, kInner},
    {"affinity", "operator", kAttribute, kScheduler, kInner},
    {"affinity", "regexp", kAttribute, kScheduler, kInner},
    {"affinity", "semver", kAttribute, kScheduler, kInner},
    {"affinity", "set_contains", kAttribute, kScheduler, kInner},
    {"affinity", "set_contains_all", kAttribute, kScheduler, kInner},
    {"affinity", "set_contains_any", kAttribute, kScheduler, kInner},
    {"affinity", "value", kAttribute, kScheduler, kInner},
    {"affinity", "version", kAttribute, kScheduler, kInner},
    {"affinity", "weight", kAttribute, kScheduler, kInner},
    {"disconnect", "lost_after", kAttribute, kScheduler, kInner},
    {"disconnect", "reconcile", kAttribute, kScheduler, kInner},
    {"disconnect", "replace", kAttribute, kScheduler, kInner},
    {"disconnect", "stop_on_client_after", kAttribute, kRefused,
     "a task goes on when its node is cut off"},
    {"ephemeral_disk", "migrate", kAttribute, kScheduler, kInner},
    {"ephemeral_disk", "size", kAttribute, kScheduler, kInner},
    {"ephemeral_disk", "sticky", kAttribute, kScheduler, kInner},
    {"migrate", "health_check", kAttribute, kScheduler, kInner},
    {"migrate", "healthy_deadline", kAttribute, kScheduler, kInner},
    {"migrate", "max_parallel", kAttribute, kScheduler, kInner},
    {"migrate", "min_healthy_time", kAttribute, kScheduler, kInner},
    {"reschedule", "attempts", kAttribute, kScheduler, kInner},
    {"reschedule", "delay", kAttribute, kScheduler, kInner},
    {"reschedule", "delay_function", kAttribute, kScheduler, kInner},
    {"reschedule", "interval", kAttribute, kScheduler, kInner},
    {"reschedule", "max_delay", kAttribute, kScheduler, kInner},
    {"reschedule", "unlimited", kAttribute, kScheduler, kInner},
    {"scaling", "enabled", kAttribute, kScheduler, kInner},
    {"scaling", "max", kAttribute, kScheduler, kInner},
    {"scaling", "min", kAttribute, kScheduler, kInner},
    {"scaling", "policy", kBlock, kScheduler, "whatever the autoscaler takes"},
    {"spread", "attribute", kAttribute, kScheduler, kInner},
    {"spread", "target", kBlock, kScheduler, kInner, "value"},
    {"spread", "weight", kAttribute, kScheduler, kInner},
    {"target", "percent", kAttribute, kScheduler, kInner},
    {"target", "value", kAttribute, kScheduler, kInner},
    {"ui", "description", kAttribute, kScheduler, kInner},
    {"ui", "link", kBlock, kScheduler, kInner},
    {"link", "label", kAttribute, kScheduler, kInner},
    {"link", "url", kAttribute, kScheduler, kInner},
    {"update", "auto_promote", kAttribute, kScheduler, kInner},
    {"update", "auto_revert", kAttribute, kScheduler, kInner},
    {"update", "canary", kAttribute, kScheduler, kInner},
    {"update", "health_check", kAttribute, kScheduler, kInner},
    {"update", "healthy_deadline", kAttribute, kScheduler, kInner},
    {"update", "max_parallel", kAttribute, kScheduler, kInner},
    {"update", "min_healthy_time", kAttribute, kScheduler, kInner},
    {"update", "progress_deadline", kAttribute, kScheduler, kInner},
    {"update", "stagger", kAttribute, kScheduler, kInner},
};

std::vector<Item> MakeItems() {
  std::vector<Item> items;
  for (absl::Span<const Item> block :
       {absl::MakeConstSpan(kFile), absl::MakeConstSpan(kJob), absl::MakeConstSpan(kGroup),
        absl::MakeConstSpan(kTask), absl::MakeConstSpan(kConfig), absl::MakeConstSpan(kRlimit),
        absl::MakeConstSpan(kMount), absl::MakeConstSpan(kDevice), absl::MakeConstSpan(kDns),
        absl::MakeConstSpan(kResources), absl::MakeConstSpan(kConstraint),
        absl::MakeConstSpan(kVolume), absl::MakeConstSpan(kVolumeMount),
        absl::MakeConstSpan(kRestart), absl::MakeConstSpan(kArtifact),
        absl::MakeConstSpan(kTemplate), absl::MakeConstSpan(kSmall),
        absl::MakeConstSpan(kSchedulers)}) {
    items.insert(items.end(), block.begin(), block.end());
  }
  return items;
}

}  // namespace

absl::Span<const Item> AllItems() {
  static const auto* const kItems = new std::vector<Item>(MakeItems());
  return *kItems;
}

const Item* FindItem(absl::string_view block, absl::string_view name) {
  for (const Item& item : AllItems()) {
    if (item.block == block && item.name == name) return &item;
  }
  return nullptr;
}

hcl::BodySchema SchemaOf(absl::string_view block) {
  hcl::BodySchema schema;
  for (const Item& item : AllItems()) {
    if (item.block != block) continue;
    const std::string name(item.name);
    if (item.kind != ItemKind::kBlock) schema.attributes.push_back({name});
    if (item.kind == ItemKind::kAttribute) continue;
    std::vector<std::string> labels;
    if (!item.label.empty()) labels.emplace_back(item.label);
    schema.blocks.push_back({name, std::move(labels)});
  }
  return schema;
}

std::string Refusal(const Item& item) {
  return absl::StrCat("\"", item.name, "\" ",
                      item.kind == ItemKind::kAttribute ? "is" : "blocks are",
                      " not available yet: ", item.note, ".");
}

const Item* FindUnavailable(absl::string_view field) {
  // "artifacts" are of blocks "artifact", "resources.cores" is an attribute.
  for (const Item& item : AllItems()) {
    if (item.disposition != Disposition::kReadAndRefused) continue;
    if (field == item.name || field == absl::StrCat(item.name, "s") ||
        field == absl::StrCat(item.block, ".", item.name)) {
      return &item;
    }
  }
  return nullptr;
}

absl::string_view DispositionInWords(Disposition disposition) {
  switch (disposition) {
    case Disposition::kHonoured:
      return "honoured";
    case Disposition::kSchedulerOnly:
      return "scheduler-only";
    case Disposition::kRefused:
    case Disposition::kReadAndRefused:
      return "refused";
  }
  return "";
}

}  // namespace cloister::jobspec
