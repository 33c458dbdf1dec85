#include "tests/testing/cloister_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/os/pidfd.h"
#include "libs/os/spawn.h"

namespace cloister {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string TemporaryDirectory() {
  const char* directory = getenv("TEST_TMPDIR");
  return directory == nullptr ? "/tmp" : directory;
}

}  // namespace

absl::StatusOr<Said> RunTestProgram(const std::string& variable,
                                    const std::vector<std::string>& words,
                                    const std::vector<std::string>& environment,
                                    const std::string& input) {
  const char* program = getenv(variable.c_str());
  if (program == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(variable, ": declare the test with cloister_cluster_test"));
  }
  const std::string base = absl::StrCat(TemporaryDirectory(), "/said-", RandomId());
  std::ofstream(base + ".in") << input;
  OwnedFd in(open((base + ".in").c_str(), O_RDONLY | O_CLOEXEC));
  OwnedFd out(open((base + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  OwnedFd err(open((base + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!in.valid() || !out.valid() || !err.valid()) return ErrnoStatus(errno, base);
  SpawnOptions options;
  options.argv = {program};
  options.argv.insert(options.argv.end(), words.begin(), words.end());
  options.env = environment;
  options.env.emplace_back("PATH=/usr/bin:/bin");
  options.fds = {{in.get(), 0}, {out.get(), 1}, {err.get(), 2}};
  CLOISTER_ASSIGN_OR_RETURN(const SpawnedProcess process, Spawn(options));
  CLOISTER_ASSIGN_OR_RETURN(const int status, process.pidfd.WaitAndReap());
  Said said;
  said.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  said.out = ReadAll(base + ".out");
  said.err = ReadAll(base + ".err");
  return said;
}

absl::StatusOr<Said> RunCloister(const std::vector<std::string>& words, const std::string& address,
                                 const std::string& input) {
  return RunTestProgram("CLOISTER_TEST_CLI", words, {absl::StrCat("CLOISTER_ADDR=", address)},
                        input);
}

absl::StatusOr<std::string> WriteTestFile(const std::string& name, const std::string& text) {
  const std::string path = absl::StrCat(TemporaryDirectory(), "/", name);
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) return ErrnoStatus(errno, path);
  return path;
}

}  // namespace cloister
