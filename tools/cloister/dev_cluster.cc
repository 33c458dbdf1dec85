#include "tools/cloister/dev_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/state/boot_id.h"
#include "tools/cloister/client.h"
#include "tools/cloister/dev_cgroup.h"
#include "tools/cloister/dev_connection.h"
#include "tools/cloister/dev_processes.h"
#include "tools/cloister/dev_record.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

constexpr char kFrontend[] = "frontend";
constexpr int kPollMs = 10;
constexpr size_t kLastWords = 5;

// A directory of our own that nobody else can write to: the services' sockets and records are in
// it, and root acts on them.
absl::Status MakePrivateDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0) return ErrnoStatus(errno, path);
  if (!S_ISDIR(facts.st_mode))
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a directory"));
  if (facts.st_uid != geteuid() || (facts.st_mode & 0022) != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "%s: not ours alone (owner %d, mode %04o): name a directory that is not there yet", path,
        facts.st_uid, facts.st_mode & 07777));
  }
  return absl::OkStatus();
}

// Of ~/.local/state/cloister-dev what a new user does not have yet. For root a directory in one
// that is not there is a mistake.
absl::Status MakeParents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos && geteuid() != 0;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (mkdir(above.c_str(), 0700) != 0 && errno != EEXIST && access(above.c_str(), X_OK) != 0) {
      return ErrnoStatus(errno, above);
    }
  }
  return absl::OkStatus();
}

absl::Status MakeRunLink(const DevLayout& layout) {
  if (!layout.run_is_link()) return absl::OkStatus();
  if (symlink(layout.run_directory.c_str(), layout.run_link.c_str()) == 0 || errno == EEXIST)
    return absl::OkStatus();
  return ErrnoStatus(errno, layout.run_link);
}

}  // namespace

absl::StatusOr<OwnedFd> LockDevCluster(const DevLayout& layout) {
  for (;;) {
    OwnedFd fd(open(layout.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return ErrnoStatus(errno, layout.lock);
    if (flock(fd.get(), LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, layout.lock);
    }
    // A stop removes the file: a lock on one that is no longer there keeps nobody out.
    struct stat locked;
    struct stat named;
    if (fstat(fd.get(), &locked) != 0) return ErrnoStatus(errno, layout.lock);
    if (stat(layout.lock.c_str(), &named) == 0 && named.st_ino == locked.st_ino &&
        named.st_dev == locked.st_dev) {
      return fd;
    }
  }
}

DevCluster::DevCluster(DevOptions options) : options_(std::move(options)) {}

absl::Status DevCluster::Start(absl::Duration patience) {
  CLOISTER_RETURN_IF_ERROR(MakeParents(layout().directory));
  CLOISTER_RETURN_IF_ERROR(MakePrivateDirectory(layout().directory));
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd lock, LockDevCluster(layout()));
  absl::StatusOr<internal::DevRecord> record = ReadDevRecord(layout().record);
  if (record.ok()) {
    // What runs already counts too: all of it is looked at, and nothing of it changed.
    options_.nodes = std::max(options_.nodes, record->nodes());
    if (record->cgroups() != options_.cgroups) {
      return absl::FailedPreconditionError(
          absl::StrCat("the cluster in ", layout().directory,
                       " was started with --cgroups=", record->cgroups(), ": stop it first"));
    }
  }
  CLOISTER_RETURN_IF_ERROR(MakeDirectories());
  if (options_.cgroups != "none") CLOISTER_RETURN_IF_ERROR(StepAside(layout()));
  std::vector<std::string> names = {kFrontend};
  for (int number = 1; number <= options_.nodes; ++number)
    names.push_back(layout().Node(number).id);
  for (const std::string& name : names) {
    CLOISTER_ASSIGN_OR_RETURN(const bool runs, Adopt(name));
    if (runs) {
      ++found_running_;
    } else {
      CLOISTER_RETURN_IF_ERROR(StartService(name));
    }
  }
  return AwaitReady(patience);
}

absl::Status DevCluster::MakeDirectories() const {
  CLOISTER_RETURN_IF_ERROR(MakePrivateDirectory(layout().log_directory));
  CLOISTER_RETURN_IF_ERROR(MakePrivateDirectory(layout().run_directory));
  CLOISTER_RETURN_IF_ERROR(MakeRunLink(layout()));
  for (int number = 1; number <= options_.nodes; ++number) {
    CLOISTER_RETURN_IF_ERROR(MakePrivateDirectory(layout().Node(number).state_directory));
    CLOISTER_RETURN_IF_ERROR(MakePrivateDirectory(layout().Node(number).run_directory));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> DevCluster::Adopt(const std::string& name) {
  absl::StatusOr<internal::DevRecord> record = ReadDevRecord(layout().record);
  if (absl::IsNotFound(record.status())) return false;
  if (!record.ok()) return record.status();
  CLOISTER_ASSIGN_OR_RETURN(const std::string boot_id, state::ReadBootId());
  absl::StatusOr<PidFd> process = OpenDevProcess(*record, name, boot_id);
  if (absl::IsNotFound(process.status())) return false;
  if (!process.ok()) return process.status();
  services_[name] = *std::move(process);
  return true;
}

absl::Status DevCluster::StartService(const std::string& name) {
  Say(absl::StrCat("starting ", name));
  absl::StatusOr<internal::DevRecord> record = ReadDevRecord(layout().record);
  if (!record.ok() && !absl::IsNotFound(record.status())) return record.status();
  internal::DevRecord written = record.ok() ? *std::move(record) : internal::DevRecord();
  CLOISTER_ASSIGN_OR_RETURN(const std::string boot_id, state::ReadBootId());
  if (written.boot_id() != boot_id) written.clear_processes();
  written.set_boot_id(boot_id);
  written.set_nodes(std::max(written.nodes(), options_.nodes));
  written.set_cgroups(options_.cgroups);
  // Before the process and after: if we die in between, whoever stops the cluster knows at least
  // that there may be one.
  SetDevProcess(name, 0, 0, &written);
  CLOISTER_RETURN_IF_ERROR(WriteDevRecord(layout().record, written));
  const absl::Time start = absl::Now();
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess process,
                            StartDevService(CommandOf(name), options_.environment, LogOf(name)));
  CLOISTER_ASSIGN_OR_RETURN(const uint64_t start_time, ProcessStartTime(process.pid));
  SetDevProcess(name, process.pid, start_time, &written);
  CLOISTER_RETURN_IF_ERROR(WriteDevRecord(layout().record, written));
  start_times_[name] = start;
  services_[name] = std::move(process.pidfd);
  return absl::OkStatus();
}

absl::Status DevCluster::KillService(const std::string& name) {
  const auto service = services_.find(name);
  if (service == services_.end()) return absl::NotFoundError(absl::StrCat(name, " does not run"));
  (void)service->second.Signal(SIGKILL);
  service->second.AwaitEnd(-1);
  // An error says that it is no child of ours: whoever is its parent reaps it.
  (void)service->second.Reap();
  services_.erase(service);
  return absl::OkStatus();
}

std::vector<std::string> DevCluster::CommandOf(const std::string& name) const {
  if (name == kFrontend) {
    std::vector<std::string> argv = {options_.binaries.frontend,
                                     absl::StrCat("--listen=", layout().address()), "--dev"};
    argv.insert(argv.end(), options_.frontend_flags.begin(), options_.frontend_flags.end());
    return argv;
  }
  absl::string_view digits = name;
  absl::ConsumePrefix(&digits, "node-");
  int number = 0;
  (void)absl::SimpleAtoi(digits, &number);  // Names come from DevLayout::Node.
  const DevNodeLayout node = layout().Node(number);
  std::vector<std::string> argv = {options_.binaries.executor,
                                   absl::StrCat("--node_id=", node.id),
                                   absl::StrCat("--state_dir=", node.state_directory),
                                   absl::StrCat("--run_dir=", node.run_directory),
                                   absl::StrCat("--listen=", node.address()),
                                   absl::StrCat("--advertise_address=", node.address()),
                                   absl::StrCat("--frontend=", layout().address()),
                                   absl::StrCat("--cgroup_parent=", node.cgroup_parent),
                                   absl::StrCat("--cgroups=", options_.cgroups),
                                   absl::StrCat("--launcher_path=", options_.binaries.launcher),
                                   absl::StrCat("--fetcher_path=", options_.binaries.fetcher),
                                   "--dev"};
  argv.insert(argv.end(), options_.executor_flags.begin(), options_.executor_flags.end());
  return argv;
}

std::string DevCluster::LogOf(const std::string& name) const {
  return absl::StrCat(layout().log_directory, "/", name);
}

absl::Status DevCluster::CheckAllRun() {
  for (const auto& [name, process] : services_) {
    if (!process.HasEnded()) continue;
    const std::string words = LastLines(LogOf(name), kLastWords);
    const std::string ended =
        absl::StrCat(name, " ", ReapInWords(process), words.empty() ? "" : ": ", words);
    services_.erase(name);
    return absl::FailedPreconditionError(ended);
  }
  return absl::OkStatus();
}

absl::Status DevCluster::CheckReady(Client* client) const {
  absl::StatusOr<std::vector<v1::Node>> nodes = client->ListNodes();
  if (!nodes.ok()) return nodes.status();
  std::set<std::string> missing;
  for (const auto& service : services_) missing.insert(service.first);
  missing.erase(kFrontend);
  for (const v1::Node& node : *nodes) {
    if (node.state() != v1::NODE_STATE_READY) continue;
    const auto started = start_times_.find(node.id());
    // One that registered earlier is the process before, whose end the frontend has yet to notice.
    if (started != start_times_.end() && ToTime(node.register_time()) < started->second) continue;
    missing.erase(node.id());
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("not ready: ", absl::StrJoin(missing, ", ")));
}

absl::Status DevCluster::AwaitReady(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  absl::Status last = absl::UnavailableError("the frontend does not listen");
  std::unique_ptr<Client> client;
  while (absl::Now() < deadline) {
    CLOISTER_RETURN_IF_ERROR(CheckAllRun());
    // A first connection that is refused would be tried again after a pause only.
    if (client == nullptr && IsListening(layout().frontend_socket)) {
      client = ConnectDev(layout().frontend_socket);
    }
    if (client != nullptr) {
      last = CheckReady(client.get());
      if (last.ok()) return last;
    }
    // Nothing tells of a new node without a task on it, so this asks again, soon; a service's end
    // ends the pause.
    std::vector<pollfd> fds = {{options_.interrupt_fd, POLLIN, 0}};
    for (const auto& service : services_) fds.push_back({service.second.get(), POLLIN, 0});
    (void)poll(fds.data(), fds.size(), kPollMs);
    if (fds[0].revents != 0) return absl::CancelledError("interrupted");
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "the cluster is not ready after ", absl::FormatDuration(patience), ": ", last.message()));
}

absl::optional<DevCluster::EndedService> DevCluster::AwaitEndOfAny(int wake_fd) {
  std::vector<pollfd> fds = {{wake_fd, POLLIN, 0}};
  std::vector<std::string> names = {""};
  for (const auto& [name, process] : services_) {
    fds.push_back({process.get(), POLLIN, 0});
    names.push_back(name);
  }
  while (poll(fds.data(), fds.size(), -1) < 0) {
  }
  if (fds[0].revents != 0) return absl::nullopt;
  for (size_t i = 1; i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    EndedService ended = {names[i], ReapInWords(services_[names[i]])};
    services_.erase(names[i]);
    return ended;
  }
  return absl::nullopt;
}

void DevCluster::Say(absl::string_view line) const {
  if (options_.progress != nullptr) options_.progress(line);
}

}  // namespace cloister
