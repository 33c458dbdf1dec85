#include "services/fetcher/run_fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {
namespace {

constexpr int kControlFd = 3;

int Fail(const std::string& sentence) {
  std::fprintf(stderr, "cloister-fetcher: %s\n", sentence.c_str());
  return 1;
}

// What is inherited by confined processes, set straight before there is one.
absl::Status PrepareProcess() {
  // Not close_range(2), which a kernel may lack.
  closefrom(kControlFd + 1);
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return ErrnoStatus(errno, "PR_SET_DUMPABLE");
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid() || dup2(null.get(), STDIN_FILENO) < 0) return ErrnoStatus(errno, "/dev/null");
  // A namespace of one id, which was made by an ordinary user, lets nobody set groups.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return ErrnoStatus(errno, "setgroups");
  signal(SIGPIPE, SIG_IGN);
  umask(0077);
  const rlimit no_core = {0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return ErrnoStatus(errno, "RLIMIT_CORE");
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  return absl::OkStatus();
}

// A directory's links: itself, its name, and one of each directory in it.
bool HasOneThread() {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

}  // namespace

int RunFetcher(int argc, char** argv, const Program& program) {
  if (argc != 2 || std::strcmp(argv[1], "--control_fd=3") != 0) {
    return Fail("--control_fd=3 is required: the executor starts this");
  }
  const absl::Status prepared = PrepareProcess();
  if (!prepared.ok()) return Fail(std::string(prepared.message()));
  OwnedFd control(fcntl(kControlFd, F_DUPFD_CLOEXEC, kFirstForeignFd));
  close(kControlFd);
  if (!control.valid() || fcntl(control.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Fail("descriptor 3 is no socket");
  }
  program.preload();
  if (!HasOneThread()) return Fail("a library has begun a thread: copies would not be whole");
  Zygote zygote(std::move(control), program.work);
  const absl::Status ended = zygote.Run();
  if (!ended.ok()) return Fail(std::string(ended.message()));
  return 0;
}

}  // namespace cloister::fetcher
