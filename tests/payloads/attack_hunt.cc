// At other processes: those of the host's that can be seen, init, and whatever of ours enters the
// task.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/payloads/attack.h"

namespace cloister {
namespace attack {
namespace {

struct Catch {
  long seen, trace, memory, environment, program, overwrite, root, directory, descriptors, taken;
};

std::vector<pid_t> Others() {
  std::vector<pid_t> pids;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = readdir(proc)) {
    if (isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) continue;
    const pid_t pid = atoi(entry->d_name);
    if (pid != getpid()) pids.push_back(pid);
  }
  closedir(proc);
  return pids;
}

bool Trace(pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return false;
  ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  waitpid(pid, nullptr, __WALL);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return true;
}

long Opened(const std::string& path, int flags, bool read_byte) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return 0;
  char byte;
  const bool got = !read_byte || read(fd, &byte, 1) == 1;
  close(fd);
  return got ? 1 : 0;
}

long Descriptors(const std::string& process) {
  long opened = 0;
  for (int fd = 0; fd < 32; ++fd) {
    opened += Opened(process + "/fd/" + std::to_string(fd), O_PATH, false);
  }
  return opened;
}

long Taken(pid_t pid) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return 0;
  long taken = 0;
  for (int fd = 0; fd < 32; ++fd) {
    const int got = static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
    if (got < 0) continue;
    ++taken;
    close(got);
  }
  close(pidfd);
  return taken;
}

void GoAt(pid_t pid, Catch* caught) {
  const std::string process = "/proc/" + std::to_string(pid);
  ++caught->seen;
  caught->trace += Trace(pid) ? 1 : 0;
  caught->memory += Opened(process + "/mem", O_RDWR, false);
  caught->environment += Opened(process + "/environ", O_RDONLY, true);
  caught->program += Opened(process + "/exe", O_RDONLY, false);
  caught->overwrite += Opened(process + "/exe", O_WRONLY, false);
  caught->root += Opened(process + "/root", O_PATH | O_DIRECTORY, false);
  caught->directory += Opened(process + "/cwd", O_PATH | O_DIRECTORY, false);
  caught->descriptors += Descriptors(process);
  caught->taken += Taken(pid);
}

volatile sig_atomic_t signals;

void Count(int) { signals = signals + 1; }

long Send(pid_t pid, int signal) {
  siginfo_t info = {};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  long sent = kill(pid, signal) == 0;
  sent += syscall(SYS_tgkill, pid, pid, signal) == 0;
  sent += syscall(SYS_tkill, pid, signal) == 0;
  sent += syscall(SYS_rt_sigqueueinfo, pid, signal, &info) == 0;
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) {
    sent += syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
    close(pidfd);
  }
  return sent;
}

}  // namespace

int Hunt(int argc, char** argv) {
  Catch caught = {};
  long rounds = 0;
  printf("hunting\n");
  fflush(stdout);
  do {
    for (pid_t pid : Others()) GoAt(pid, &caught);
    ++rounds;
  } while (argc > 0 && access(argv[0], F_OK) != 0);
  printf("rounds %ld\nseen %ld\n", rounds, caught.seen);
  printf("trace %ld\nmemory %ld\nenvironment %ld\nprogram %ld\noverwrite %ld\n", caught.trace,
         caught.memory, caught.environment, caught.program, caught.overwrite);
  printf("root %ld\ndirectory %ld\ndescriptors %ld\ntaken %ld\n", caught.root, caught.directory,
         caught.descriptors, caught.taken);
  return 0;
}

int Signal(int argc, char** argv) {
  // init passes on what it gets; that is no success.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  long sent = 0;
  for (int i = 0; i < argc; ++i) {
    const pid_t pid = atoi(argv[i]);
    // In a pid namespace of its own these numbers may be its own.
    if (pid <= 2 || pid == getpid()) continue;
    for (int signal : {SIGUSR1, SIGTERM, SIGKILL}) sent += Send(pid, signal) > 0;
    sent += kill(-pid, SIGUSR1) == 0;
  }
  kill(-1, SIGUSR1);
  printf("signalled %ld\n", sent);
  return 0;
}

int Victim(int, char**) {
  struct sigaction action = {};
  action.sa_handler = Count;
  action.sa_flags = SA_RESTART;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);
  printf("waiting\n");
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
  printf("signals %d\n", static_cast<int>(signals));
  return 0;
}

}  // namespace attack
}  // namespace cloister
