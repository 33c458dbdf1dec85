// cloister-launcher --listen_fd=3 --cgroup_slot_prefix=NAME
//
// Started by the executor only, with a listening SOCK_SEQPACKET socket as descriptor 3. What it
// does for a task: docs/launch-sequence.md.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/launch_site.h"
#include "services/launcher/launcher.h"

namespace cloister {
namespace {

constexpr int kListenFd = 3;

int Fail(const std::string& sentence) {
  std::fprintf(stderr, "cloister-launcher: %s\n", sentence.c_str());
  return 1;
}

absl::StatusOr<launch::LaunchSiteOptions> ParseArguments(int argc, char** argv) {
  launch::LaunchSiteOptions options;
  bool listen = false;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--listen_fd=3") {
      listen = true;
    } else if (absl::ConsumePrefix(&argument, "--cgroup_slot_prefix=")) {
      options.slot_prefix = std::string(argument);
    } else {
      return absl::InvalidArgumentError("unknown argument: " + std::string(argument));
    }
  }
  if (!listen || options.slot_prefix.empty()) {
    return absl::InvalidArgumentError(
        "--listen_fd=3 and --cgroup_slot_prefix are required: the executor starts this");
  }
  return options;
}

// All of them, by the kernel's own call: posix_spawn(3) leaves two signals of the C library's
// ignored, which sigaction(3) does not touch, and what is ignored stays so through clone and exec,
// down to the payload.
void ResetSignals() {
  struct KernelSigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  };
  const KernelSigaction by_default = {SIG_DFL, 0, nullptr, 0};
  for (int signal = 1; signal <= 64; ++signal) {
    syscall(SYS_rt_sigaction, signal, &by_default, nullptr, sizeof(by_default.mask));
  }
}

// Tasks inherit our oom_score_adj: -1000 of a service manager would make them immune to the OOM
// killer, against their own limit. Raising is always permitted; a value above 0 harms nobody else.
absl::Status LetOomKillerIn() {
  constexpr char kFile[] = "/proc/self/oom_score_adj";
  const OwnedFd file(open(kFile, O_RDWR | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, kFile);
  char sign = 0;
  if (read(file.get(), &sign, 1) != 1) return ErrnoStatus(errno, kFile);
  if (sign == '-' && pwrite(file.get(), "0", 1, 0) != 1) return ErrnoStatus(errno, kFile);
  return absl::OkStatus();
}

// What tasks would inherit, or what would end them with us, is set straight before anything runs.
absl::Status PrepareProcess() {
  // Whatever a caller forgot to mark CLOEXEC would be in the way of LowFds, and within reach of a
  // mistake. Not close_range(2), which a kernel may lack.
  closefrom(kListenFd + 1);
  // Children share our memory until their exec: nobody may trace us or read it.
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return ErrnoStatus(errno, "PR_SET_DUMPABLE");
  ResetSignals();
  // A write to a peer that is gone is an error, not the end; blocked rather than ignored, as
  // ignoring is inherited by exec.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  // An operator's Ctrl-C or a service stop must not take tasks along: tasks end by request only.
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  umask(0);
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  return LetOomKillerIn();
}

int Main(int argc, char** argv) {
  absl::StatusOr<launch::LaunchSiteOptions> options = ParseArguments(argc, argv);
  if (!options.ok()) return Fail(std::string(options.status().message()));
  // Abseil as Debian builds it looks for lock cycles in each Lock(): a tool for tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const absl::Status prepared = PrepareProcess();
  if (!prepared.ok()) return Fail(std::string(prepared.message()));
  absl::StatusOr<std::unique_ptr<launch::LaunchSite>> site =
      launch::LaunchSite::Make(*std::move(options));
  if (!site.ok()) return Fail(std::string(site.status().message()));
  OwnedFd listener(fcntl(kListenFd, F_DUPFD_CLOEXEC, launch::LowFds::first_foreign()));
  close(kListenFd);
  if (!listener.valid() || fcntl(listener.get(), F_SETFL, O_NONBLOCK) != 0)
    return Fail("descriptor 3 is no socket");
  absl::StatusOr<std::unique_ptr<Launcher>> launcher =
      Launcher::Make(*std::move(site), std::move(listener));
  if (!launcher.ok()) return Fail(std::string(launcher.status().message()));
  const absl::Status ended = (*launcher)->Run();
  // Without destructors: launch threads are still running, and must be until the process ends.
  if (!ended.ok()) Fail(std::string(ended.message()));
  std::fflush(stderr);
  _exit(ended.ok() ? 0 : 1);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) { return cloister::Main(argc, argv); }
