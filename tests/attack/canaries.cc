#include "tests/attack/canaries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/errno_status.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/os/spawn.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

constexpr char kUnchanged[] = "as it was\n";

std::string TextOf(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

absl::Status WriteWithMode(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  if (chmod(path.c_str(), mode) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

long Entries(const std::string& path) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return 0;
  long entries = -2;  // "." and "..".
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries;
}

// "NAME:   NUMBER kB".
long StatusField(const std::string& status, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    long number = 0;
    if (words.size() > 1 && words[0] == name && absl::SimpleAtoi(words[1], &number)) return number;
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Canaries>> Canaries::Plant(const std::string& directory,
                                                          const std::string& program) {
  std::unique_ptr<Canaries> canaries(new Canaries);
  canaries->secret_ = RandomId();
  canaries->secret_file_ = absl::StrCat(directory, "/secret");
  canaries->file_ = absl::StrCat(directory, "/unchanged");
  canaries->directory_ = absl::StrCat(directory, "/empty");
  CLOISTER_RETURN_IF_ERROR(WriteWithMode(canaries->secret_file_, canaries->secret_, 0600));
  CLOISTER_RETURN_IF_ERROR(WriteWithMode(canaries->file_, kUnchanged, 0666));
  if (mkdir(canaries->directory_.c_str(), 0777) != 0 ||
      chmod(canaries->directory_.c_str(), 0777) != 0) {
    return ErrnoStatus(errno, canaries->directory_);
  }
  CLOISTER_RETURN_IF_ERROR(canaries->StartVictim(program));
  return canaries;
}

absl::Status Canaries::StartVictim(const std::string& program) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
    return ErrnoStatus(errno, "pipe");
  }
  const OwnedFd reads(input[0]);
  victim_input_ = OwnedFd(input[1]);
  victim_output_ = OwnedFd(output[0]);
  const OwnedFd writes(output[1]);
  SpawnOptions options;
  options.argv = {program, "victim"};
  options.fds = {{reads.get(), STDIN_FILENO}, {writes.get(), STDOUT_FILENO}};
  options.new_session = true;
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess victim, Spawn(options));
  victim_pid_ = victim.pid;
  victim_ = std::move(victim.pidfd);
  // "waiting": from here on it counts.
  char word[8];
  if (read(victim_output_.get(), word, sizeof(word)) <= 0) return ErrnoStatus(EPIPE, "the victim");
  return absl::OkStatus();
}

std::vector<std::string> Canaries::Injuries() {
  std::vector<std::string> injuries;
  if (TextOf(secret_file_) != secret_) injuries.push_back("the secret file was changed");
  if (TextOf(file_) != kUnchanged) injuries.push_back("a file of the host was changed");
  if (Entries(directory_) != 0) injuries.push_back("a directory of the host has new entries");
  victim_input_.reset();
  std::string said;
  char piece[256];
  for (ssize_t size; (size = read(victim_output_.get(), piece, sizeof(piece))) > 0;) {
    said.append(piece, static_cast<size_t>(size));
  }
  if (said != "signals 0\n") injuries.push_back(absl::StrCat("the victim says '", said, "'"));
  if (!victim_.WaitAndReap().ok()) injuries.push_back("the victim was not to be waited for");
  return injuries;
}

absl::StatusOr<Footprint> MeasureServices(const std::string& directory) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<DevProcessFound> services,
                            FindDevProcesses(directory));
  Footprint sum;
  for (const DevProcessFound& service : services) {
    const std::string process = absl::StrCat("/proc/", service.pid);
    const std::string status = TextOf(absl::StrCat(process, "/status"));
    sum.descriptors += Entries(absl::StrCat(process, "/fd"));
    sum.threads += StatusField(status, "Threads");
    sum.resident_kib += StatusField(status, "VmRSS");
  }
  return sum;
}

size_t HashOfFile(const std::string& path) {
  const std::string text = TextOf(path);
  return text.empty() ? 0 : std::hash<std::string>()(text);
}

}  // namespace cloister
