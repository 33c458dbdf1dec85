// cloister-executor: one node's service. Run as root, or by an ordinary user (rootless.h); see
// --help for what it can be told.
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/field_violations.h"
#include "libs/base/version.h"
#include "services/executor/executor.h"
#include "services/executor/executor_config.h"
#include "services/executor/rootless.h"
#include "services/executor/user_scope.h"
#include "services/logging.h"

ABSL_FLAG(std::string, node_id, "",
          "Name of this node, unique in its cluster. Default: the host's name.");
ABSL_FLAG(std::string, state_dir, "",
          "Directory of our own for tasks and records; survives restarts. Required of root; "
          "without root the default is $XDG_STATE_HOME/cloister.");
ABSL_FLAG(std::string, run_dir, "",
          "Short directory for sockets. Default: one beneath /run/cloister.");
ABSL_FLAG(std::string, listen, "",
          "Addresses to serve on, comma-separated: unix:/path, host:port. "
          "Default: executor.sock in the run directory.");
ABSL_FLAG(std::string, frontend, "", "Addresses of frontends to join, comma-separated.");
ABSL_FLAG(std::string, advertise_address, "",
          "Where frontends dial us. Default: the first of --listen.");
ABSL_FLAG(std::string, cgroup_parent, "cloister.slice",
          "Parent of all our cgroups, in each hierarchy.");
ABSL_FLAG(std::string, cgroups, "auto",
          "auto: limit tasks by cgroups, v1 or v2. none: tasks run without limits.");
ABSL_FLAG(std::string, launcher_path, "", "Path of cloister-launcher. Required.");
ABSL_FLAG(std::string, fetcher_path, "",
          "Path of cloister-fetcher. Empty: this node fetches no artifacts.");
ABSL_FLAG(int32_t, tasks_per_launcher, 256, "Most tasks of one launcher process.");
ABSL_FLAG(int64_t, max_tasks, 4096, "Most live tasks at once.");
ABSL_FLAG(int64_t, memory_mib, 0,
          "Memory to grant to live tasks together, in MiB. 0: what the machine has.");
ABSL_FLAG(std::string, policy, "",
          "File of the node's policy (HCL): what tasks may do here. Default: a careful one.");
ABSL_FLAG(
    bool, validate_config, false,
    "Check the flags and the policy on this node, say what is wrong or ok, and exit with 2 or "
    "0. Starts nothing.");
ABSL_FLAG(std::string, allow_caps, "",
          "Capabilities that tasks may add, comma-separated, or all. Default: the thirteen.");
ABSL_FLAG(std::string, chroot_env, "",
          "What tasks see of this node, read-only: PATH or OUTSIDE:INSIDE, comma-separated.");
ABSL_FLAG(std::string, tls_cert, "", "Our certificate (PEM), for TCP.");
ABSL_FLAG(std::string, tls_key, "", "Its key.");
ABSL_FLAG(std::string, tls_ca, "", "The cluster's certificate authority.");
ABSL_FLAG(bool, dev, false,
          "Allow plaintext on loopback TCP addresses: for a machine of one user.");
ABSL_FLAG(std::string, allowed_uids, "",
          "Users beside root who may use the unix sockets: ids, comma-separated.");

namespace cloister::executor {
namespace {

// A client that is asked to go has this long.
constexpr absl::Duration kDrainPatience = absl::Seconds(5);

// Of --validate_config.
constexpr int kExitInvalid = 2;

ExecutorFlags ReadFlags() {
  ExecutorFlags flags;
  flags.node_id = absl::GetFlag(FLAGS_node_id);
  flags.state_dir = absl::GetFlag(FLAGS_state_dir);
  flags.run_dir = absl::GetFlag(FLAGS_run_dir);
  flags.listen = absl::GetFlag(FLAGS_listen);
  flags.frontend = absl::GetFlag(FLAGS_frontend);
  flags.advertise_address = absl::GetFlag(FLAGS_advertise_address);
  flags.cgroup_parent = absl::GetFlag(FLAGS_cgroup_parent);
  flags.cgroups = absl::GetFlag(FLAGS_cgroups);
  flags.launcher_path = absl::GetFlag(FLAGS_launcher_path);
  flags.fetcher_path = absl::GetFlag(FLAGS_fetcher_path);
  flags.tasks_per_launcher = absl::GetFlag(FLAGS_tasks_per_launcher);
  flags.max_tasks = absl::GetFlag(FLAGS_max_tasks);
  flags.memory_mib = absl::GetFlag(FLAGS_memory_mib);
  flags.policy = absl::GetFlag(FLAGS_policy);
  flags.allow_caps = absl::GetFlag(FLAGS_allow_caps);
  flags.chroot_env = absl::GetFlag(FLAGS_chroot_env);
  flags.tls_cert = absl::GetFlag(FLAGS_tls_cert);
  flags.tls_key = absl::GetFlag(FLAGS_tls_key);
  flags.tls_ca = absl::GetFlag(FLAGS_tls_ca);
  flags.dev = absl::GetFlag(FLAGS_dev);
  flags.allowed_uids = absl::GetFlag(FLAGS_allowed_uids);
  return flags;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

// Every task costs a few descriptors, every client one.
void RaiseFileLimit() {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// In every thread, those of gRPC too: main() takes them by sigwait.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  return set;
}

// It holds the secrets of every task: in no core dump, and in no tracer's reach. And no program
// that it starts, launchers included, gains rights by its file; unless tasks may be without that,
// which they could not undo.
absl::Status FenceOurselves(const ExecutorConfig& config) {
  // Without root: our memory belongs to the node's user namespace, so nobody but the node's root,
  // not even the user whose process we are, could see that we run; tasks are in other pid
  // namespaces.
  const bool roots = config.user_namespace.kind == node::UserNamespace::Kind::kNone;
  if (roots && prctl(PR_SET_DUMPABLE, 0) != 0) return ErrnoStatus(errno, "PR_SET_DUMPABLE");
  if (!config.policy.allow_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "PR_SET_NO_NEW_PRIVS");
  }
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  LOG(ERROR) << "cannot start: " << status.message();
  return EXIT_FAILURE;
}

// For a terminal or a deployment's script, so not by the log.
int ValidateConfig() {
  const absl::StatusOr<ExecutorConfig> config = ParseExecutorFlags(ReadFlags(), HostName());
  const absl::Status status = config.ok() ? Executor::Validate(*config) : config.status();
  if (status.ok()) {
    std::puts("ok");
    return EXIT_SUCCESS;
  }
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  for (const FieldViolation& violation : violations) {
    // A file's problems have lines of their own.
    const bool lines = absl::StrContains(violation.description, '\n');
    std::fprintf(stderr, "--%s:%s%s\n", violation.field.c_str(), lines ? "\n" : " ",
                 violation.description.c_str());
  }
  if (violations.empty()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kExitInvalid;
}

std::string Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

absl::StatusOr<node::UserNamespace> BecomeRootless(ExecutorFlags* flags) {
  const absl::Status filled = AddUserDefaults(Environment, flags);
  if (!filled.ok()) return filled;
  return EnterUserNamespace(flags->state_dir);
}

int Main() {
  if (absl::GetFlag(FLAGS_validate_config)) return ValidateConfig();
  ExecutorFlags flags = ReadFlags();
  node::UserNamespace user_namespace;
  if (geteuid() != 0) {
    // Before there is another thread.
    absl::StatusOr<node::UserNamespace> entered = BecomeRootless(&flags);
    if (!entered.ok()) return Fail(entered.status());
    user_namespace = *std::move(entered);
  }
  const sigset_t signals = BlockSignals();
  // Abseil as Debian builds it looks for lock cycles in each Lock(), gRPC's too: a tool for tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  RaiseFileLimit();
  absl::StatusOr<ExecutorConfig> config = ParseExecutorFlags(flags, HostName());
  if (!config.ok()) return Fail(config.status());
  config->user_managers = UserManagerSockets(Environment, user_namespace.uid);
  config->user_namespace = std::move(user_namespace);
  const absl::Status fenced = FenceOurselves(*config);
  if (!fenced.ok()) return Fail(fenced);
  ExecutorLog log;
  log.info = [](absl::string_view line) { LOG(INFO) << line; };
  log.trouble = [](const absl::Status& status) { LOG(ERROR) << status.message(); };
  absl::StatusOr<std::unique_ptr<Executor>> executor =
      Executor::Start(*std::move(config), std::move(log));
  if (!executor.ok()) return Fail(executor.status());
  int signal = 0;
  sigwait(&signals, &signal);
  LOG(INFO) << (signal == SIGTERM ? "SIGTERM" : "SIGINT") << ": leaving; tasks run on";
  (*executor)->Drain(kDrainPatience);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace cloister::executor

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      absl::StrCat("One node of a Cloister cluster, version ", cloister::kVersion,
                   ".\nUsage: cloister-executor --state_dir=DIR --launcher_path=FILE [flags]"));
  absl::ParseCommandLine(argc, argv);
  cloister::StartLogging(argv[0]);
  return cloister::executor::Main();
}
