#include "tests/bench/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"

namespace cloister::bench {
namespace {

constexpr size_t kShownLines = 5;

char* const kEnvironment[] = {
    const_cast<char*>("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    nullptr};

std::string LastLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const size_t count = std::min(kShownLines, lines.size());
  return absl::StrJoin(lines.end() - static_cast<ptrdiff_t>(count), lines.end(), "\n  ");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Command>> Command::Make(Options options) {
  OwnedFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  OwnedFd output(open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output.valid()) return ErrnoStatus(errno, options.output);
  return absl::WrapUnique(new Command(std::move(options), std::move(null), std::move(output)));
}

Command::Command(Options options, OwnedFd null, OwnedFd output)
    : options_(std::move(options)), null_(std::move(null)), output_(std::move(output)) {
  for (const std::string& word : options_.argv) argv_.push_back(const_cast<char*>(word.c_str()));
  argv_.push_back(nullptr);
  posix_spawn_file_actions_init(&actions_);
  posix_spawn_file_actions_adddup2(&actions_, null_.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions_, output_.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions_, output_.get(), STDERR_FILENO);
  if (!options_.input_on_3.empty()) {
    posix_spawn_file_actions_addopen(&actions_, 3, options_.input_on_3.c_str(), O_RDONLY, 0);
  }
  posix_spawnattr_init(&attributes_);
  // This program waits for signals by a descriptor and has them blocked; a terminal's Ctrl-C is for
  // it alone.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes_, &none);
  posix_spawnattr_setpgroup(&attributes_, 0);
  posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

Command::~Command() {
  posix_spawn_file_actions_destroy(&actions_);
  posix_spawnattr_destroy(&attributes_);
}

absl::Status Command::Run() const {
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, argv_[0], &actions_, &attributes_, argv_.data(), kEnvironment);
  if (error != 0) return ErrnoStatus(error, absl::StrCat("start '", argv_[0], "'"));
  // Our own child, which nobody else reaps: the pid stays its own until here.
  siginfo_t end = {};
  while (waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "waitid");
  }
  if (end.si_code != CLD_EXITED)
    return Failed(absl::StrCat("was killed by signal ", end.si_status));
  if (end.si_status != 0) return Failed(absl::StrCat("exited with code ", end.si_status));
  return absl::OkStatus();
}

absl::Status Command::Failed(const std::string& how) const {
  const std::string last = LastLines(options_.output);
  return absl::InternalError(absl::StrCat("'", absl::StrJoin(options_.argv, " "), "' ", how,
                                          last.empty() ? "" : ":\n  ", last));
}

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  for (const char* directory :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat("'", name, "' is not installed"));
}

}  // namespace cloister::bench
