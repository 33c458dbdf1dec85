#include "tools/cloister/dev_processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "tools/cloister/exit_code.h"

namespace cloister {
namespace {

constexpr int kKillTimeoutMs = 10'000;
constexpr off_t kTailBytes = 4096;

// The base name of argv[0]; empty for a kernel thread, a zombie, or one that is gone.
std::string ProgramOf(pid_t pid) {
  OwnedFd fd(open(absl::StrCat("/proc/", pid, "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[PATH_MAX];
  const ssize_t size = fd.valid() ? read(fd.get(), buffer, sizeof(buffer) - 1) : -1;
  if (size <= 0) return "";
  buffer[size] = '\0';
  const absl::string_view path(buffer);
  return std::string(
      path.substr(path.rfind('/') == absl::string_view::npos ? 0 : path.rfind('/') + 1));
}

std::string StdoutOf(pid_t pid) {
  char target[PATH_MAX];
  const ssize_t size =
      readlink(absl::StrCat("/proc/", pid, "/fd/1").c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<SpawnedProcess> StartDevService(const std::vector<std::string>& argv,
                                               const std::vector<std::string>& environment,
                                               const std::string& log) {
  OwnedFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  OwnedFd out(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out.valid()) return ErrnoStatus(errno, log);
  SpawnOptions options;
  options.argv = argv;
  options.env = environment;
  options.fds = {
      {null.get(), STDIN_FILENO}, {out.get(), STDOUT_FILENO}, {out.get(), STDERR_FILENO}};
  options.new_session = true;
  return Spawn(options);
}

absl::StatusOr<std::vector<DevProcessFound>> FindDevProcesses(const std::string& directory) {
  std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (proc == nullptr) return ErrnoStatus(errno, "/proc");
  const std::string prefix = absl::StrCat(directory, "/");
  std::vector<DevProcessFound> found;
  while (const dirent* entry = readdir(proc.get())) {
    pid_t pid;
    if (!absl::SimpleAtoi(entry->d_name, &pid) || pid == getpid()) continue;
    absl::StatusOr<PidFd> pidfd = PidFd::Open(pid);
    if (!pidfd.ok()) continue;
    const std::string program = ProgramOf(pid);
    if (!absl::StartsWith(program, "cloister-") || !absl::StartsWith(StdoutOf(pid), prefix))
      continue;
    // Alive after what was read of it was read: it was this process's, and not a successor's of the
    // same pid.
    if (pidfd->HasEnded()) continue;
    found.push_back({program, pid, *std::move(pidfd)});
  }
  return found;
}

absl::Status EndDevProcess(const PidFd& process, absl::Duration grace) {
  if (!process.HasEnded()) (void)process.Signal(SIGTERM);
  if (!process.AwaitEnd(static_cast<int>(absl::ToInt64Milliseconds(grace)))) {
    (void)process.Signal(SIGKILL);
    if (!process.AwaitEnd(kKillTimeoutMs))
      return absl::DeadlineExceededError("does not end, even by SIGKILL");
  }
  // An error says that it is no child of ours: whoever is its parent reaps it.
  (void)process.Reap();
  return absl::OkStatus();
}

std::string ReapInWords(const PidFd& process) {
  absl::StatusOr<absl::optional<int>> status = process.Reap();
  if (!status.ok() || !status->has_value()) return "ended";
  if (WIFSIGNALED(**status)) return absl::StrCat("killed by ", SignalInWords(WTERMSIG(**status)));
  return absl::StrCat("exited with code ", WEXITSTATUS(**status));
}

std::string LastLines(const std::string& log, size_t lines) {
  OwnedFd fd(open(log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return "";
  const off_t end = lseek(fd.get(), 0, SEEK_END);
  const off_t start = end > kTailBytes ? end - kTailBytes : 0;
  char buffer[kTailBytes];
  const ssize_t size = pread(fd.get(), buffer, sizeof(buffer), start);
  if (size <= 0) return "";
  std::vector<absl::string_view> all =
      absl::StrSplit(absl::string_view(buffer, static_cast<size_t>(size)), '\n', absl::SkipEmpty());
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<ptrdiff_t>(lines));
  return absl::StrJoin(all, "\n");
}

}  // namespace cloister
