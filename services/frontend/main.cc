// cloister-frontend: what schedulers talk to. It knows nodes and tasks, and no kernel; see --help
// for what it can be told, and docs/frontend.md for what it promises.
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/version.h"
#include "services/frontend/frontend_config.h"
#include "services/frontend/frontend_server.h"
#include "services/logging.h"

ABSL_FLAG(std::string, listen, "",
          "Addresses to serve on, comma-separated: unix:/path, host:port. Required.");
ABSL_FLAG(std::string, tls_cert, "", "Our certificate (PEM), for TCP.");
ABSL_FLAG(std::string, tls_key, "", "Its key.");
ABSL_FLAG(std::string, tls_ca, "", "The cluster's certificate authority.");
ABSL_FLAG(bool, dev, false,
          "Allow plaintext on loopback TCP addresses: for a machine of one user.");
ABSL_FLAG(std::string, allowed_uids, "",
          "Users beside root who may use the unix sockets: ids, comma-separated.");

namespace cloister::frontend {
namespace {

// A client that is asked to go has this long.
constexpr absl::Duration kDrainPatience = absl::Seconds(5);

FrontendFlags ReadFlags() {
  FrontendFlags flags;
  flags.listen = absl::GetFlag(FLAGS_listen);
  flags.tls_cert = absl::GetFlag(FLAGS_tls_cert);
  flags.tls_key = absl::GetFlag(FLAGS_tls_key);
  flags.tls_ca = absl::GetFlag(FLAGS_tls_ca);
  flags.dev = absl::GetFlag(FLAGS_dev);
  flags.allowed_uids = absl::GetFlag(FLAGS_allowed_uids);
  return flags;
}

// Each client and each node has a connection or two.
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

int Fail(const absl::Status& status) {
  LOG(ERROR) << "cannot start: " << status.message();
  return EXIT_FAILURE;
}

int Main() {
  const sigset_t signals = BlockSignals();
  // Abseil as Debian builds it looks for lock cycles in each Lock(), gRPC's too: a tool for tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  RaiseFileLimit();
  const absl::StatusOr<FrontendConfig> config = ParseFrontendFlags(ReadFlags());
  if (!config.ok()) return Fail(config.status());
  const RealClock clock;
  const absl::StatusOr<std::unique_ptr<FrontendServer>> server =
      FrontendServer::Start(*config, &clock);
  if (!server.ok()) return Fail(server.status());
  for (const rpc::Address& address : (*server)->addresses()) {
    LOG(INFO) << "frontend " << (*server)->id() << " listens on " << address.ToString();
  }
  int signal = 0;
  sigwait(&signals, &signal);
  LOG(INFO) << (signal == SIGTERM ? "SIGTERM" : "SIGINT") << ": leaving; tasks run on";
  (*server)->Drain(kDrainPatience);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace cloister::frontend

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      absl::StrCat("The frontend of a Cloister cluster, version ", cloister::kVersion,
                   ".\nUsage: cloister-frontend --listen=ADDRESS[,ADDRESS...] [flags]"));
  absl::ParseCommandLine(argc, argv);
  cloister::StartLogging(argv[0]);
  return cloister::frontend::Main();
}
