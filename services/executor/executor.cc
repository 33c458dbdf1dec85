#include "services/executor/executor.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/base32.h"
#include "libs/base/errno_status.h"
#include "libs/base/field_violations.h"
#include "libs/base/stable_hash.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/base/version.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/cgroup/slot_parents.h"
#include "libs/cgroup/slot_sweep.h"
#include "libs/node/fingerprint.h"
#include "libs/node/kernel_features.h"
#include "libs/node/policy_file.h"
#include "libs/node/read_node_facts.h"
#include "libs/node/task_id_pool.h"
#include "libs/os/directory.h"
#include "libs/plan/fence.h"
#include "libs/plan/plan_ids.h"
#include "libs/plan/plan_without_root.h"
#include "libs/rpc/channel.h"
#include "libs/state/layout.h"
#include "libs/task/user_field.h"
#include "services/executor/delegated_cgroup.h"

namespace cloister::executor {
namespace {

// What is in a dead launcher's slots was killed with it; the kernel may need a moment to notice.
constexpr absl::Duration kSweepPatience = absl::Seconds(10);

// An idle launcher leaves at once; one that hangs is left to the next start.
constexpr absl::Duration kRetirePatience = absl::Seconds(3);

// Two state directories on one machine may share a cgroup parent; their launchers' slots must not
// meet.
std::string SlotPrefix(const std::string& state_dir) {
  const uint64_t hash = StableHash64({"cgroup slots of", state_dir});
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(hash >> shift));
  return Base32Lower(bytes);
}

absl::StatusOr<OwnedFd> MakeStateDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory, OpenDirectory(path));
  struct stat facts;
  if (fstat(directory.get(), &facts) != 0) return ErrnoStatus(errno, path);
  if (facts.st_uid != geteuid() || (facts.st_mode & 0077) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": must be ours alone (owner ",
                                                      geteuid(),
                                                      ", mode 0700): secrets and outputs of "
                                                      "tasks are in it"));
  }
  return directory;
}

absl::Status CheckLauncher(const ExecutorConfig& config) {
  if (access(config.launcher_path.c_str(), X_OK) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("--launcher_path '", config.launcher_path, "'"));
}

// A node may refuse a task with all defaults (no user nobody, or not allowed; a ceiling below the
// default) and run others.
bool IsAboutTheTask(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || !GetFieldViolations(status).empty();
}

}  // namespace

Executor::Executor(ExecutorConfig config, ExecutorLog log)
    : config_(std::move(config)), log_(std::move(log)) {}

absl::Status Executor::Validate(const ExecutorConfig& config) {
  CLOISTER_RETURN_IF_ERROR(CheckLauncher(config));
  CLOISTER_ASSIGN_OR_RETURN(const node::NodeFacts facts, node::ReadNodeFacts("/", config.policy));
  return node::CheckPolicyOnNode(config.policy, facts);
}

absl::StatusOr<std::unique_ptr<Executor>> Executor::Start(ExecutorConfig config, ExecutorLog log) {
  std::unique_ptr<Executor> executor(new Executor(std::move(config), std::move(log)));
  CLOISTER_RETURN_IF_ERROR(executor->TakeStateDirectory());
  CLOISTER_RETURN_IF_ERROR(executor->ReadNode());
  CLOISTER_RETURN_IF_ERROR(executor->StartFetcher());
  CLOISTER_RETURN_IF_ERROR(executor->MakeEngine());
  CLOISTER_RETURN_IF_ERROR(executor->Serve());
  CLOISTER_RETURN_IF_ERROR(executor->Join());
  return executor;
}

Executor::~Executor() { Drain(absl::ZeroDuration()); }

absl::Status Executor::TakeStateDirectory() {
  CLOISTER_RETURN_IF_ERROR(CheckLauncher(config_));
  CLOISTER_ASSIGN_OR_RETURN(state_directory_, MakeStateDirectory(config_.state_dir));
  // Before anything else is looked at: two executors would remove each other's tasks.
  CLOISTER_ASSIGN_OR_RETURN(state::StateLock lock,
                            state::StateLock::Acquire(state_directory_.get()));
  lock_ = std::make_unique<state::StateLock>(std::move(lock));
  CLOISTER_ASSIGN_OR_RETURN(state::RunDirectory run_directory,
                            state::RunDirectory::Make(config_.state_dir, config_.run_dir));
  run_directory_ = std::make_unique<state::RunDirectory>(std::move(run_directory));
  config_.policy.private_directories = {config_.state_dir, run_directory_->path()};
  return absl::OkStatus();
}

// What takes the place of the newer mount calls takes root and pivot_root(2).
absl::Status Executor::CheckMounts(const node::NodeFacts& facts) const {
  const bool has_root = config_.user_namespace.kind == node::UserNamespace::Kind::kNone;
  if (!facts.classic_mounts || (has_root && !config_.policy.no_pivot_root)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this node cannot run tasks: without open_tree, move_mount or mount_setattr it takes root, "
      "and "
      "a root that pivot_root can leave");
}

absl::Status Executor::AdaptToUser(node::NodeFacts* facts) {
  facts->user_namespace = config_.user_namespace;
  if (facts->user_namespace.kind == node::UserNamespace::Kind::kNone) return absl::OkStatus();
  if (config_.policy.no_pivot_root) {
    return absl::FailedPreconditionError(
        "no_pivot_root of the node's policy needs root: what is mounted cannot be unmounted "
        "without");
  }
  if (config_.policy.default_pid_mode == node::NamespaceMode::kHost) {
    return absl::FailedPreconditionError(
        "default_pid_mode \"host\" of the node's policy needs root: without, no /proc of the "
        "node's "
        "processes can be mounted");
  }
  if (config_.limit_by_cgroups) FindCgroups(facts);
  log_.info(absl::StrCat("started by user '", facts->user_namespace.user_name, "' (uid ",
                         facts->user_namespace.uid, "), without root; ids 0 to ",
                         facts->user_namespace.last_uid, " of a user namespace"));
  for (const std::string& sentence : plan::UnavailableWithoutRoot(*facts)) {
    log_.info(absl::StrCat("without root tasks have ", sentence));
  }
  return absl::OkStatus();
}

void Executor::FindCgroups(node::NodeFacts* facts) {
  DelegatedCgroupOptions options;
  options.parent = config_.policy.cgroup_parent;
  options.unit = absl::StrCat("cloister-", SlotPrefix(config_.state_dir), ".scope");
  options.user_managers = config_.user_managers;
  options.systemd = access("/run/systemd/system", F_OK) == 0;
  const absl::StatusOr<std::string> delegated = UseDelegatedCgroup(options, &facts->cgroups);
  if (delegated.ok()) {
    config_.policy.cgroup_parent = *delegated;
    log_.info(
        absl::StrCat("tasks are limited beneath cgroup '/", *delegated, "', which is this user's"));
    return;
  }
  facts->user_namespace.why_no_limits =
      absl::StrCat("the executor runs without root, and user '", facts->user_namespace.user_name,
                   "' has no cgroup of its own to put tasks in: ", delegated.status().message());
  config_.limit_by_cgroups = false;
  config_.policy.limit_by_cgroups = false;
}

absl::Status Executor::ReadNode() {
  CLOISTER_ASSIGN_OR_RETURN(node::NodeFacts facts, node::ReadNodeFacts("/", config_.policy));
  CLOISTER_RETURN_IF_ERROR(node::CheckKernelFeatures(facts.features));
  CLOISTER_RETURN_IF_ERROR(CheckMounts(facts));
  CLOISTER_RETURN_IF_ERROR(node::CheckPolicyOnNode(config_.policy, facts));
  CLOISTER_RETURN_IF_ERROR(AdaptToUser(&facts));
  if (config_.limit_by_cgroups) {
    absl::Status made = cgroup::MakeParent(facts.cgroups, config_.policy.cgroup_parent);
    if (!made.ok()) {
      return absl::Status(
          made.code(), absl::StrCat(made.message(),
                                    " (with --cgroups=none tasks run fenced, but without limits)"));
    }
    CLOISTER_ASSIGN_OR_RETURN(cgroups_,
                              cgroup::PlaceTask(facts.cgroups, config_.policy.cgroup_parent, {}));
  } else if (facts.user_namespace.why_no_limits.empty()) {
    log_.info("--cgroups=none: tasks run fenced, but WITHOUT memory, cpu and pids limits");
  }
  if (!facts.crash_handler.empty()) {
    log_.info(absl::StrCat("kernel.core_pattern: for each task that crashes the kernel runs ",
                           facts.crash_handler,
                           " outside of all fences, with its memory as input"));
  }
  if (facts.max_open_files < facts.memory_bytes / node::kLeastBytesOfAnOpenFile) {
    log_.info(absl::StrCat("fs.file-max: ", facts.max_open_files,
                           " open files are less than this machine's memory holds: tasks with room "
                           "for them can leave others none; systemd sets ",
                           INT64_MAX));
  }
  CLOISTER_ASSIGN_OR_RETURN(const node::Attributes storage, node::ReadStorage(config_.state_dir));
  facts.attributes.insert(storage.begin(), storage.end());
  const node::Attributes labels = node::NodeAttributes(config_.policy.labels, config_.node_id);
  facts.attributes.insert(labels.begin(), labels.end());
  if (config_.memory_mib == 0) {
    config_.memory_mib = static_cast<int64_t>(facts.memory_bytes >> 20);
  }
  return MakePlanner(std::move(facts));
}

absl::Status Executor::MakePlanner(node::NodeFacts facts) {
  planner_ = std::make_unique<engine::NodePlanner>(
      std::move(facts), config_.policy,
      [this](const task::UserField& field) { return users_.LookUp(field); });
  v1::TaskConfig common;
  common.mutable_config()->set_command("/bin/true");
  absl::StatusOr<engine::PlannedTask> planned = planner_->Plan(common, "");
  if (planned.ok()) {
    common_plan_ = std::move(planned->plan);
    return absl::OkStatus();
  }
  // What this node's policy or flags make impossible for every task is refused now, not with each.
  if (!IsAboutTheTask(planned.status())) {
    return Annotate(planned.status(), "no task could run on this node");
  }
  log_.trouble(Annotate(planned.status(), "a task with all defaults cannot run here"));
  return absl::OkStatus();
}

absl::StatusOr<Executor::SlotSweep> Executor::SlotSweeper() const {
  if (cgroups_.hierarchies().empty()) return SlotSweep();
  CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<const cgroup::SlotParents> parents,
                            cgroup::OpenSlotParents(cgroups_));
  return SlotSweep([parents](const std::string& prefix) {
    return cgroup::SweepSlots(parents, prefix, kSweepPatience);
  });
}

absl::Status Executor::StartFetcher() {
  if (config_.fetcher_path.empty()) return absl::OkStatus();
  NodeFetcherOptions options;
  options.program = config_.fetcher_path;
  options.state_dir = config_.state_dir;
  options.policy = config_.policy.artifacts;
  if (config_.limit_by_cgroups) options.cgroup_parent = config_.policy.cgroup_parent;
  options.slot_prefix = absl::StrCat("fetch-", SlotPrefix(config_.state_dir));
  options.clock = &clock_;
  options.on_trouble = log_.trouble;
  CLOISTER_ASSIGN_OR_RETURN(fetcher_, NodeFetcher::Start(options, planner_->facts()));
  for (const std::string& gap : fetcher_->client().Gaps())
    log_.info(absl::StrCat("fetcher: ", gap));
  return absl::OkStatus();
}

absl::Status Executor::MakeEngine() {
  engine::EngineOptions options;
  if (fetcher_ != nullptr) options.artifacts = &fetcher_->artifacts();
  options.staging.parallel = config_.policy.artifacts.parallel;
  options.staging.parallel_of_task = config_.policy.artifacts.parallel_of_task;
  options.node_id = config_.node_id;
  options.capacity = {config_.max_tasks, config_.memory_mib};
  const node::TaskIdPool ids =
      node::MakeTaskIdPool(config_.policy, planner_->facts().user_namespace);
  options.first_user_id = ids.first;
  options.user_ids = ids.count;
  options.user_ids_per_task = ids.per_task;
  options.launchers.program = {config_.launcher_path, kVersion, planner_->facts().boot_id,
                               run_directory_->path(), SlotPrefix(config_.state_dir)};
  options.launchers.tasks_per_launcher = config_.tasks_per_launcher;
  options.launchers.prepare = common_plan_;
  CLOISTER_ASSIGN_OR_RETURN(options.launchers.sweep_slots, SlotSweeper());
  options.launchers.on_trouble = log_.trouble;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd launchers,
                            MakeDirectory(state_directory_.get(), state::kLaunchersDirectory, 0700,
                                          geteuid(), getegid()));
  CLOISTER_ASSIGN_OR_RETURN(
      OwnedFd tasks,
      MakeDirectory(state_directory_.get(), state::kTasksDirectory, 0700, geteuid(), getegid()));
  CLOISTER_ASSIGN_OR_RETURN(
      engine_, engine::Engine::Create(std::move(options), std::move(launchers), std::move(tasks),
                                      planner_.get(), &clock_));
  CLOISTER_RETURN_IF_ERROR(engine_->Recover());
  // Now that every task has said what it needs of it.
  if (fetcher_ != nullptr) fetcher_->artifacts().Evict();
  return absl::OkStatus();
}

NodeArtifactParts Executor::ArtifactParts() const {
  if (fetcher_ == nullptr) return {};
  return {&fetcher_->artifacts(), &fetcher_->cache()};
}

v1::Node Executor::DescribeNode() const {
  v1::Node node;
  node.set_id(config_.node_id);
  node.set_version(kVersion);
  node.mutable_capacity()->set_memory_mib(config_.memory_mib);
  node.mutable_capacity()->set_cpus(planner_->facts().cpus);
  node.mutable_capacity()->set_tasks(config_.max_tasks);
  node.set_kernel(planner_->facts().kernel_release);
  node.set_cgroups(plan::CgroupWords(cgroups_));
  const node::Attributes& attributes = planner_->facts().attributes;
  node.mutable_attributes()->insert(attributes.begin(), attributes.end());
  for (const std::string& sentence : plan::UnavailableWithoutRoot(planner_->facts())) {
    node.add_unavailable(sentence);
  }
  const std::string ids = plan::OwnIdsUnavailable(planner_->facts(), config_.policy);
  if (!ids.empty()) node.add_unavailable(ids);
  return node;
}

absl::Status Executor::Serve() {
  CLOISTER_ASSIGN_OR_RETURN(
      rpc::Authorizer authorizer,
      rpc::Authorizer::Create(rpc::ExecutorMethodTable(), config_.allowed_uids, config_.dev));
  authorizer_ = std::make_unique<rpc::Authorizer>(std::move(authorizer));
  if (config_.listen.empty()) {
    CLOISTER_ASSIGN_OR_RETURN(const std::string path,
                              run_directory_->SocketPath(state::kExecutorSocket));
    CLOISTER_ASSIGN_OR_RETURN(rpc::Address address, rpc::ParseAddress(absl::StrCat("unix:", path)));
    config_.listen.push_back(std::move(address));
  }
  task_service_ = std::make_unique<TaskService>(config_.node_id, engine_.get(), authorizer_.get(),
                                                &drain_, &clock_, ArtifactParts());
  v1::Node node = DescribeNode();
  node.set_address(config_.advertise_address.value_or(config_.listen.front()).ToString());
  node_service_ = std::make_unique<NodeService>(std::move(node), engine_.get());
  rpc::ServerOptions options;
  options.listen = config_.listen;
  options.tls = config_.tls;
  options.services = {rpc::Serve<v1::TaskService>(task_service_.get()),
                      rpc::Serve<v1::NodeService>(node_service_.get())};
  CLOISTER_ASSIGN_OR_RETURN(server_,
                            rpc::Server::Start(std::move(options), authorizer_.get(), &drain_));
  for (const rpc::Address& address : addresses()) {
    log_.info(absl::StrCat("node '", config_.node_id, "' listens on ", address.ToString()));
  }
  return absl::OkStatus();
}

absl::Status Executor::Join() {
  if (config_.frontends.empty()) return absl::OkStatus();
  CLOISTER_ASSIGN_OR_RETURN(feed_, SessionFeed::Open(engine_.get()));
  NodeSessionOptions options;
  for (const rpc::Address& frontend : config_.frontends) {
    options.frontends.push_back(frontend.ToString());
  }
  options.dial =
      [this](const std::string& text) -> absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> {
    CLOISTER_ASSIGN_OR_RETURN(const rpc::Address address, rpc::ParseAddress(text));
    rpc::ChannelOptions channel;
    channel.tls = config_.tls;
    channel.dev_mode = config_.dev;
    channel.expected.roles = {rpc::Role::kFrontend};
    CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> opened,
                              rpc::OpenChannel(address, channel));
    return opened;
  };
  options.node = DescribeNode();
  options.node.set_address(config_.advertise_address.value_or(addresses().front()).ToString());
  options.boot_id = planner_->facts().boot_id;
  options.snapshot = [this] {
    std::vector<v1::Task> tasks;
    for (const auto& task : engine_->List("", SIZE_MAX, [](const v1::Task&) { return true; })) {
      tasks.push_back(*task);
    }
    return tasks;
  };
  options.on_joined = [this](absl::string_view address, absl::string_view frontend_id) {
    log_.info(absl::StrCat("joined frontend ", frontend_id, " at ", address));
  };
  options.on_lost = [this](absl::string_view address, const absl::Status& why) {
    log_.info(absl::StrCat("no session with the frontend at ", address, ": ", why.message()));
  };
  session_ = std::make_unique<NodeSession>(std::move(options), &clock_);
  feed_->Begin(session_.get());
  return absl::OkStatus();
}

void Executor::Drain(absl::Duration patience) {
  if (server_ != nullptr) server_->Drain(patience);
  feed_.reset();
  session_.reset();
  server_.reset();
  if (engine_ != nullptr) engine_->RetireIdleLaunchers(kRetirePatience);
  // Its last callbacks may use the services.
  engine_.reset();
  // What its callers wait for uses the fetcher.
  task_service_.reset();
  fetcher_.reset();
}

}  // namespace cloister::executor
