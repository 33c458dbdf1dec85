#include "libs/plan/explain_plan.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "libs/artifact/redacted_url.h"
#include "libs/capability/names.h"
#include "libs/plan/fence.h"
#include "libs/plan/open_file_share.h"
#include "libs/plan/plan_devices.h"
#include "libs/plan/plan_rlimits.h"
#include "libs/task/environment.h"
#include "libs/task/parse_task_spec.h"
#include "libs/task/signal_name.h"

namespace cloister::plan {
namespace {

using capability::CapabilitySet;
using internal::LaunchPlan;
using internal::Mask;
using internal::Mount;

// "label         value (reason)" lines.
class Lines {
 public:
  template <typename... Parts>
  void Add(absl::string_view label, const Parts&... value) {
    absl::StrAppend(&text_, absl::StrFormat("%-13s", label), " ", absl::StrCat(value...), "\n");
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string Words(const std::vector<std::string>& items) {
  return items.empty() ? "none" : absl::StrJoin(items, " ");
}

// What of a stranger's text is not printable is shown as an escape.
std::string Shown(absl::string_view text) { return absl::CHexEscape(text); }

absl::string_view IfDefault(bool is_default) { return is_default ? " (the default)" : ""; }

void ExplainCommand(const task::TaskSpec& spec, const LaunchPlan& plan, Lines* lines) {
  std::vector<std::string> candidates;
  for (const std::string& path : plan.exec().candidates()) candidates.push_back(Shown(path));
  const bool absolute = absl::StartsWith(spec.command(), "/");
  lines->Add(
      "command", absl::StrJoin(candidates, ", then "),
      absolute ? " (absolute: beneath /local, then as it is inside the task's root)"
      : absl::StrContains(spec.command(), '/')
          ? " (a relative path: /local, the root, the volumes in their order)"
          : " (a name: /local, the root, the volumes in their order, the system's programs)");
  lines->Add("", "made executable if it is a file of the task's own in /alloc, /local or /tmp");
  std::vector<std::string> args;
  for (const std::string& arg : plan.exec().args())
    args.push_back(absl::StrCat("'", Shown(arg), "'"));
  lines->Add("args", Words(args));
  lines->Add("work dir", Shown(plan.exec().work_dir()), IfDefault(plan.exec().work_dir() == "/"));
  if (plan.exec().without_init()) {
    lines->Add("init",
               "none: the command is PID 1, as was asked; signals without a handler do nothing");
  } else {
    lines->Add("init", "reaps, and hands on signals (the default)");
  }
}

void ExplainUser(const task::TaskSpec& spec, const LaunchPlan& plan, Lines* lines) {
  const internal::Identity& identity = plan.identity();
  std::string groups = absl::StrJoin(identity.groups(), " ");
  if (groups.empty()) groups = "none";
  absl::string_view reason;
  switch (spec.user().kind) {
    case task::UserField::Kind::kName:
      reason = spec.user().name == task::kDefaultUser ? "the default"
                                                      : "by name, from the node's passwd";
      break;
    case task::UserField::Kind::kUid:
      reason = "by number, from the node's passwd";
      break;
    case task::UserField::Kind::kUidGid:
      reason = "numbers as asked for, without further groups";
      break;
  }
  lines->Add("user", identity.user_name(), ": uid ", identity.uid(), ", gid ", identity.gid(),
             ", further groups ", groups, " (", reason, ")");
}

absl::string_view ModeReason(task::NamespaceMode asked) {
  return asked == task::NamespaceMode::kNodeDefault ? "the node's default" : "as asked for";
}

void ExplainIds(const task::TaskSpec& spec, const LaunchPlan& plan, Lines* lines) {
  const internal::Identity::UserNamespace& space = plan.identity().user_namespace();
  if (space.count() == 0) return;
  lines->Add("ids", space.count(), " of its own, which no other task of the node has (",
             ModeReason(spec.userns()), "): 0 to ", space.count() - 1, " inside");
  const auto binds = [](const Mount& mount) { return mount.kind() == Mount::KIND_HOST_DIRECTORY; };
  if (std::none_of(plan.mounts().begin(), plan.mounts().end(), binds)) return;
  std::string who = "whoever it is inside";
  if (std::any_of(plan.mounts().begin(), plan.mounts().end(),
                  [](const Mount& mount) { return mount.unmapped_ids(); })) {
    who = "a stranger, and reads what those may";
  } else if (!space.all_volume_ids()) {
    who = space.volume_uids().empty() ? "nobody, as it is root inside"
                                      : absl::StrCat("uid ", space.volume_uids(0), " alone");
  }
  lines->Add("", "in the node's directories it is ", who);
}

void ExplainCapabilities(const task::TaskSpec& spec, const node::NodeFacts& facts,
                         const node::NodePolicy& policy, const LaunchPlan& plan, Lines* lines) {
  const CapabilitySet bounding = CapabilitySet::FromBits(plan.capabilities().bounding());
  const CapabilitySet held = CapabilitySet::FromBits(plan.capabilities().effective());
  const bool all_allowed =
      policy.allow_caps.Expand(facts.capabilities).ContainsAll(policy.default_capabilities);
  std::vector<std::string> reasons = {all_allowed ? "the node's default"
                                                  : "what the node allows of its default"};
  if (!spec.cap_drop().empty()) reasons.push_back("without cap_drop");
  if (!spec.cap_add().empty()) reasons.push_back("with cap_add");
  const CapabilitySet both =
      spec.cap_add().Expand(facts.capabilities) & spec.cap_drop().Expand(facts.capabilities);
  lines->Add("capabilities", "at most ", JoinedNames(bounding), " (", absl::StrJoin(reasons, ", "),
             ")");
  if (!both.empty()) {
    lines->Add("", "kept although cap_drop names it: ", JoinedNames(both), " (cap_add wins)");
  }
  lines->Add("", "holds ", JoinedNames(held),
             policy.ambient_default_caps ? " (all of it, by node policy ambient_default_caps)"
             : spec.cap_add().empty()    ? " (cap_add asks for none)"
                                         : " (by cap_add)");
  if (plan.no_new_privs()) {
    lines->Add("", "no_new_privs: set-user-id programs and file capabilities give nothing");
  }
}

void ExplainHardening(const LaunchPlan& plan, Lines* lines) {
  const v1::Fence fence = MakeFence(plan);
  if (plan.has_seccomp_filter()) {
    std::vector<std::string> opening;
    for (const std::string& name :
         SortedNames(CapabilitySet::FromBits(plan.seccomp_filter().capabilities()))) {
      opening.push_back(name);
    }
    lines->Add("seccomp", "profile ", fence.seccomp_profile(), " ", fence.seccomp_hash(),
               " (opened by capabilities: ", Words(opening), ")");
  } else {
    lines->Add("seccomp", "none");
  }
  std::vector<std::string> confined;
  if (fence.landlock().files()) confined.push_back("files");
  if (fence.landlock().signals()) confined.push_back("signals");
  if (fence.landlock().abstract_sockets()) confined.push_back("abstract sockets");
  lines->Add("landlock", "confines ", confined.empty() ? "nothing" : absl::StrJoin(confined, ", "),
             " (version ", fence.landlock().abi(), " of this node's kernel)");
  for (const std::string& gap : fence.gaps()) lines->Add("gap", gap);
}

void ExplainNamespaces(const task::TaskSpec& spec, const LaunchPlan& plan, Lines* lines) {
  const v1::Fence fence = MakeFence(plan);
  lines->Add("namespaces", absl::StrJoin(fence.namespaces(), " "),
             " (its own); network of the node");
  const bool own_pid = (plan.namespaces() & CLONE_NEWPID) != 0;
  const bool own_ipc = (plan.namespaces() & CLONE_NEWIPC) != 0;
  lines->Add("", "pid_mode ", own_pid ? "private" : "host", " (", ModeReason(spec.pid_mode()),
             "), ipc_mode ", own_ipc ? "private" : "host", " (", ModeReason(spec.ipc_mode()), ")");
}

void ExplainRoot(const task::TaskSpec& spec, const node::NodeFacts& facts, const LaunchPlan& plan,
                 Lines* lines) {
  std::vector<std::string> shown;
  for (const auto& bind : plan.root().binds()) {
    shown.push_back(
        bind.outside() == bind.inside()
            ? Shown(bind.inside())
            : absl::StrCat(Shown(bind.inside()), " (the node's ", Shown(bind.outside()), ")"));
  }
  const uint64_t overlay = plan.root().overlay_bytes();
  lines->Add(overlay == 0 ? "read-only" : "overlay", Words(shown), " (of the node, ",
             spec.chroot_env().empty() ? "all that its policy shows)" : "narrowed by chroot_env)");
  if (overlay > 0) {
    lines->Add("", "it may change these and / for itself, in ", overlay >> 10,
               " KiB of memory that go with it");
  }
  std::vector<std::string> links;
  for (const auto& link : plan.root().links()) {
    links.push_back(absl::StrCat(Shown(link.inside()), " -> ", Shown(link.target())));
  }
  if (!links.empty()) lines->Add("links", absl::StrJoin(links, ", "), " (as on the node)");
  std::vector<std::string> missing;
  for (const node::HostPath& source : facts.chroot_sources) {
    if (!source.exists()) missing.push_back(Shown(source.path));
  }
  if (!missing.empty()) lines->Add("left out", Words(missing), " (not on this node)");
  if (plan.root().no_pivot_root()) {
    lines->Add("", "the root is moved over / (node policy no_pivot_root)");
  }
}

void ExplainVolume(const Mount& mount, Lines* lines) {
  if (mount.volume().empty()) {
    lines->Add("mount", Shown(mount.inside()), " (the node's ", Shown(mount.outside()), "; ",
               mount.read_only() ? "read-only" : "writable", mount.noexec() ? "; noexec" : "", ")");
    return;
  }
  absl::string_view propagation = "later mounts stay where they are made";
  if (mount.propagation() == Mount::PROPAGATION_SLAVE) propagation = "the node's later mounts show";
  if (mount.propagation() == Mount::PROPAGATION_SHARED) propagation = "later mounts show both ways";
  lines->Add("volume", Shown(mount.inside()), " (host volume '", Shown(mount.volume()),
             "' of the node, its ", Shown(mount.outside()), "; ",
             mount.read_only() ? "read-only" : "writable", "; ", propagation, ")");
}

bool IsForArtifacts(const LaunchPlan& plan, const Mount& mount) {
  if (mount.kind() != Mount::KIND_TASK_DIRECTORY) return false;
  for (const internal::ArtifactPlan& artifact : plan.artifacts()) {
    if (artifact.home() == mount.source()) return true;
  }
  return false;
}

void ExplainArtifacts(const LaunchPlan& plan, Lines* lines) {
  constexpr absl::string_view kCaches[] = {"cached for whoever asked", "cached for everybody",
                                           "not cached"};
  for (const internal::ArtifactPlan& artifact : plan.artifacts()) {
    const auto checksum = artifact.options().find("checksum");
    lines->Add("artifact", Shown(absl::StrCat(artifact.directory(), "/", artifact.file_name())),
               " (from ", Shown(artifact::RedactedUrl(artifact.source())), "; ",
               checksum == artifact.options().end() ? "" : Shown(checksum->second) + "; ",
               artifact.chown() ? "the task's own" : "read-only", "; ",
               kCaches[artifact.cache() % std::size(kCaches)], ")");
  }
}

void ExplainMounts(const LaunchPlan& plan, Lines* lines) {
  std::vector<std::string> fresh;
  std::vector<std::string> own;
  std::vector<std::string> locked;
  for (const Mount& mount : plan.mounts()) {
    if (mount.kind() == Mount::KIND_HOST_DIRECTORY || mount.kind() == Mount::KIND_CACHED ||
        IsForArtifacts(plan, mount)) {
      continue;
    }
    if (mount.kind() == Mount::KIND_TASK_DIRECTORY && mount.read_only()) {
      locked.push_back(mount.inside());
    } else if (mount.kind() == Mount::KIND_TASK_DIRECTORY) {
      if (mount.parts().empty()) own.push_back(mount.inside());
      for (const Mount::Part& part : mount.parts()) {
        if (part.owned()) own.push_back(absl::StrCat(mount.inside(), "/", part.name()));
      }
    } else if (mount.kind() == Mount::KIND_TMPFS) {
      fresh.push_back(absl::StrCat(mount.inside(), " (", mount.size_bytes() >> 20, " MiB of memory",
                                   mount.noswap() ? ", never swapped out)" : ")"));
    } else {
      fresh.push_back(mount.inside());
    }
  }
  lines->Add("writable", Words(own), " (the task's directory on the node; nosuid, nodev)");
  if (!locked.empty()) lines->Add("", "read-only as asked for: ", Words(locked));
  lines->Add("its own", absl::StrJoin(fresh, ", "), " (made new)");
  for (const Mount& mount : plan.mounts()) {
    if (mount.kind() == Mount::KIND_HOST_DIRECTORY) ExplainVolume(mount, lines);
  }
}

void ExplainDevices(const LaunchPlan& plan, Lines* lines) {
  std::vector<std::string> words = {"null zero full random urandom tty ptmx pts"};
  for (const std::string& device : DeviceWords(plan)) words.push_back(Shown(device));
  absl::string_view words_of_filter =
      " (no other works in the task's mounts; this node has no filter beside)";
  if (plan.devices().filter() == internal::DevicePlan::FILTER_BPF) {
    words_of_filter = " (no other can be opened, and none made: BPF)";
  } else if (plan.devices().filter() == internal::DevicePlan::FILTER_CONTROLLER) {
    words_of_filter = " (no other can be opened, and none made: cgroup v1)";
  }
  lines->Add("devices", absl::StrJoin(words, ", "), words_of_filter);
}

void ExplainNames(const LaunchPlan& plan, Lines* lines) {
  lines->Add("hostname", plan.hostname().empty() ? "the node's (the default)" : plan.hostname());
  std::vector<std::string> files;
  for (const internal::GeneratedFile& file : plan.files()) files.push_back(Shown(file.inside()));
  if (!files.empty()) lines->Add("", "made for the task, read-only: ", Words(files));
}

void ExplainMasks(const LaunchPlan& plan, Lines* lines) {
  std::vector<std::string> hidden;
  std::vector<std::string> read_only;
  for (const Mask& mask : plan.masks()) {
    (mask.kind() == Mask::KIND_READ_ONLY ? read_only : hidden).push_back(mask.inside());
  }
  for (const std::string& path : plan.root().masked_sys_directories()) hidden.push_back(path);
  lines->Add("hidden", Words(hidden), " (by node policy, as far as this kernel has them)");
  lines->Add("not writable", Words(read_only), " and all of /sys (by node policy)");
}

std::string MemoryMaxWords(const task::TaskSpec& spec, const LaunchPlan& plan) {
  if (spec.memory_max_bytes() == 0) return "";
  const uint64_t limit = plan.cgroup().granted().memory_bytes();
  const absl::string_view reason = spec.memory_max_bytes() != task::TaskSpec::kUnlimitedMemory
                                       ? "memory_max"
                                   : limit == 0 ? "memory_max -1"
                                                : "memory_max -1: the node's ceiling";
  return absl::StrCat(" spared when the node is short, ",
                      limit == 0 ? "no limit" : absl::StrCat("at most ", limit >> 20, " MiB"), " (",
                      reason, ")");
}

std::string ValueWords(uint64_t value) {
  return value == RLIM_INFINITY ? "unlimited" : absl::StrCat(value);
}

// Those that were asked for, and two that everybody asks about.
void ExplainRlimits(const task::TaskSpec& spec, const node::NodeFacts& facts,
                    const LaunchPlan& plan, Lines* lines) {
  bool core = false;
  std::vector<std::string> asked;
  for (const internal::Rlimit& rlimit : plan.rlimits()) {
    if (rlimit.resource() == RLIMIT_CORE) core = rlimit.hard() > 0;
    for (const task::Rlimit& one : spec.rlimits()) {
      if (one.resource != rlimit.resource()) continue;
      asked.push_back(absl::StrCat(RlimitName(rlimit.resource()), "=", ValueWords(rlimit.soft()),
                                   ":", ValueWords(rlimit.hard())));
    }
  }
  for (const internal::Rlimit& rlimit : plan.rlimits()) {
    if (rlimit.resource() != RLIMIT_NOFILE) continue;
    const OpenFileShare share = ShareOpenFiles(facts, plan.cgroup());
    lines->Add("", "open files ", rlimit.soft(), ", at most ", rlimit.hard(),
               rlimit.hard() == share.per_process ? absl::StrCat(" (", share.why, ")") : "",
               core ? "; core dumps" : "; no core dumps");
  }
  if (!asked.empty()) lines->Add("", "by rlimits ", Words(asked));
}

void ExplainLimits(const task::TaskSpec& spec, const node::NodeFacts& facts, const LaunchPlan& plan,
                   Lines* lines) {
  if (plan.cgroup().hierarchies().empty()) {
    const std::string& why = facts.user_namespace.why_no_limits;
    lines->Add("limits", "none: ",
               why.empty() ? "this node runs tasks without cgroups (--cgroups=none)" : why);
  } else {
    lines->Add("limits", "memory ", spec.memory_bytes() >> 20, " MiB",
               IfDefault(spec.memory_bytes() >> 20 == task::kDefaultMemoryMib),
               MemoryMaxWords(spec, plan), ", cpu weight ", spec.cpu_shares(),
               IfDefault(spec.cpu_shares() == task::kDefaultCpuShares), ", processes ", spec.pids(),
               IfDefault(spec.pids() == task::kDefaultPids));
    std::vector<std::string> writes;
    for (const auto& hierarchy : plan.cgroup().hierarchies()) {
      for (const auto& write : hierarchy.limits()) {
        writes.push_back(absl::StrCat(write.file(), "=", write.value()));
      }
    }
    lines->Add("", "by cgroup ", CgroupWords(plan.cgroup()), ": ", Words(writes));
  }
  ExplainRlimits(spec, facts, plan, lines);
  lines->Add("", "oom_score_adj ", plan.oom_score_adj(), IfDefault(spec.oom_score_adj() == 0));
}

void ExplainEnvironment(const task::TaskSpec& spec, const LaunchPlan& plan, Lines* lines) {
  std::vector<std::string> names;
  for (const std::string& entry : plan.exec().env()) {
    names.push_back(entry.substr(0, entry.find('=')));
  }
  lines->Add("environment", Words(names), " (values not shown; nothing of the node's)");
  std::vector<std::string> ignored;
  for (const auto& [name, value] : spec.env()) {
    if (task::IsSetByNode(name)) ignored.push_back(name);
  }
  if (!ignored.empty())
    lines->Add("", Words(ignored), ": the task's value is not used, the user's is");
}

}  // namespace

std::string ExplainPlan(const task::TaskSpec& spec, const node::NodeFacts& facts,
                        const node::NodePolicy& policy, const LaunchPlan& plan) {
  Lines lines;
  ExplainCommand(spec, plan, &lines);
  ExplainUser(spec, plan, &lines);
  ExplainIds(spec, plan, &lines);
  ExplainCapabilities(spec, facts, policy, plan, &lines);
  ExplainNamespaces(spec, plan, &lines);
  ExplainRoot(spec, facts, plan, &lines);
  ExplainMounts(plan, &lines);
  ExplainArtifacts(plan, &lines);
  ExplainDevices(plan, &lines);
  ExplainNames(plan, &lines);
  ExplainMasks(plan, &lines);
  ExplainHardening(plan, &lines);
  ExplainLimits(spec, facts, plan, &lines);
  ExplainEnvironment(spec, plan, &lines);
  lines.Add("umask", absl::StrFormat("%03o", plan.umask()), " (always)");
  lines.Add("stop", task::SignalName(plan.stop().signal()), ", and SIGKILL after ",
            absl::FormatDuration(absl::Milliseconds(plan.stop().grace_ms())),
            IfDefault(spec.kill_timeout() == task::kDefaultKillTimeout &&
                      spec.kill_signal() == task::kDefaultKillSignal));
  for (const std::string& sentence : plan.unavailable()) {
    lines.Add(sentence == plan.unavailable(0) ? "without root" : "", sentence);
  }
  return lines.Take();
}

std::string RedactedPlanText(const LaunchPlan& plan) {
  LaunchPlan redacted = plan;
  for (std::string& entry : *redacted.mutable_exec()->mutable_env()) {
    entry = absl::StrCat(entry.substr(0, entry.find('=')), "=...");
  }
  for (internal::ArtifactPlan& artifact : *redacted.mutable_artifacts()) {
    artifact.set_source(artifact::RedactedUrl(artifact.source()));
    for (auto& header : *artifact.mutable_headers()) header.second = "...";
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(redacted, &text);
  return text;
}

}  // namespace cloister::plan
