#include "libs/artifact/hg_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "libs/artifact/hg_protocol.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {
namespace {

constexpr const char* kPrograms[] = {"/usr/bin/hg", "/usr/local/bin/hg"};
constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kShownBytes = 300;

// No configuration but what is written here: the node's, a user's, and what a repository could
// bring are all passed over. UTF-8, so that Python takes any name there is.
std::vector<std::string> Environment(const std::string& scratch) {
  return {"HGRCPATH=",
          "HGRCSKIPREPO=1",
          "HGPLAIN=1",
          "HOME=/nonexistent",
          "LC_ALL=C.UTF-8",
          "PATH=/usr/bin:/bin",
          "PYTHONDONTWRITEBYTECODE=1",
          "PYTHONNOUSERSITE=1",
          absl::StrCat("TMPDIR=", scratch)};
}

// Its reason is the last line, or the last that says so.
std::string LastWords(int said) {
  std::string text(kReadBytes, '\0');
  const off_t size = lseek(said, 0, SEEK_END);
  const off_t from = std::max<off_t>(size - static_cast<off_t>(kReadBytes), 0);
  const ssize_t got = pread(said, &text[0], text.size(), from);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  std::string words;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (absl::StartsWith(words, "abort: ") && !absl::StartsWith(line, "abort: ")) continue;
    words = std::string(absl::StripAsciiWhitespace(line));
  }
  return absl::CHexEscape(absl::string_view(words).substr(0, kShownBytes));
}

absl::Status OutcomeOf(int status, int said) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  if (WIFEXITED(status)) {
    return absl::DataLossError(absl::StrCat("hg cannot read what the server sent (exit code ",
                                            WEXITSTATUS(status), "): ", LastWords(said)));
  }
  if (WTERMSIG(status) == SIGKILL) {
    return absl::ResourceExhaustedError(
        "hg was killed: what the server sent may need more than the memory limit of a fetch");
  }
  return absl::DataLossError(absl::StrCat("hg was ended by signal ", WTERMSIG(status)));
}

}  // namespace

std::string FindHgProgram() {
  for (const char* program : kPrograms) {
    if (access(program, X_OK) == 0) return program;
  }
  return "";
}

absl::Status MakeHgArchive(const HgArchive& archive) {
  if (!IsHgNode(archive.node)) return absl::InvalidArgumentError("hg: no id of a changeset");
  const OwnedFd said(open(absl::StrCat(archive.scratch, "/said").c_str(),
                          O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!said.valid()) return ErrnoStatus(errno, "hg: file for its words");
  SpawnOptions options;
  options.argv = {archive.program,
                  "--noninteractive",
                  "--config",
                  "ui.archivemeta=no",
                  "--repository",
                  archive.bundle,
                  "archive",
                  "--rev",
                  archive.node,
                  "--type",
                  "tar",
                  "--prefix",
                  ".",
                  "--",
                  archive.tar};
  options.env = Environment(archive.scratch);
  options.fds = {
      {STDIN_FILENO, STDIN_FILENO}, {said.get(), STDOUT_FILENO}, {said.get(), STDERR_FILENO}};
  absl::StatusOr<SpawnedProcess> process = Spawn(options);
  if (!process.ok()) {
    return absl::FailedPreconditionError(absl::StrCat("hg: ", process.status().message()));
  }
  const absl::Duration left = archive.deadline - absl::Now();
  const int64_t wait_ms = std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 0, INT32_MAX);
  const bool ended = process->pidfd.AwaitEnd(static_cast<int>(wait_ms));
  if (!ended) process->pidfd.Signal(SIGKILL).IgnoreError();  // It may have ended since.
  CLOISTER_ASSIGN_OR_RETURN(const int status, process->pidfd.WaitAndReap());
  if (!ended) return absl::DeadlineExceededError("hg: not done in time (limit total)");
  return OutcomeOf(status, said.get());
}

}  // namespace cloister::artifact
