#include "services/executor/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/engine/launcher_directory.h"
#include "libs/node/subordinate_ids.h"
#include "libs/node/user_lookup.h"
#include "libs/os/directory.h"
#include "libs/os/spawn.h"
#include "libs/state/boot_id.h"
#include "libs/state/layout.h"
#include "libs/state/run_directory.h"
#include "libs/task/resolved_user.h"
#include "libs/task/user_field.h"

namespace cloister::executor {
namespace {

constexpr char kNewUidMap[] = "/usr/bin/newuidmap";
constexpr char kNewGidMap[] = "/usr/bin/newgidmap";

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

absl::Status MakeDirectories(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (mkdir(above.c_str(), 0700) != 0 && errno != EEXIST && access(above.c_str(), X_OK) != 0) {
      return ErrnoStatus(errno, above);
    }
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

// Without a name of its own where passwd does not know it.
node::UserNamespace WhoStartedUs() {
  node::UserNamespace space;
  space.uid = getuid();
  space.gid = getgid();
  space.user_name = absl::StrCat(space.uid);
  space.home = "/";
  task::UserField field;
  field.kind = task::UserField::Kind::kUid;
  field.uid = space.uid;
  const absl::StatusOr<task::ResolvedUser> known = node::LookUpUser(field);
  if (known.ok()) {
    space.user_name = known->name;
    space.home = known->home;
  }
  return space;
}

absl::Status NotAllowed(int error_number) {
  return absl::FailedPreconditionError(
      absl::StrCat("without root tasks need a user namespace, and this machine lets us make none (",
                   ErrnoWords(error_number),
                   "): see sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and "
                   "kernel.apparmor_restrict_unprivileged_userns, or run the executor as root"));
}

// That of a launcher that an earlier executor has left; an invalid one if there is none.
PidFd LivingLauncher(const std::string& state_dir) {
  absl::StatusOr<OwnedFd> directory =
      OpenDirectory(absl::StrCat(state_dir, "/", state::kLaunchersDirectory));
  const absl::StatusOr<std::string> boot_id = state::ReadBootId();
  if (!directory.ok() || !boot_id.ok()) return PidFd();
  const engine::LauncherDirectory launchers(*std::move(directory), {"", "", *boot_id, "", ""});
  const absl::StatusOr<std::vector<std::string>> names = launchers.List();
  if (!names.ok()) return PidFd();
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    absl::StatusOr<engine::LauncherClient::Target> target = launchers.Open(*name);
    if (target.ok()) return std::move(target->process);
  }
  return PidFd();
}

absl::Status WriteFile(const char* path, const std::string& text) {
  const OwnedFd file(open(path, O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, path);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, absl::StrCat(path, ": '", text, "'"));
  }
  return absl::OkStatus();
}

// As the one user that the kernel lets everybody map.
absl::Status MapOneId(const node::UserNamespace& space) {
  CLOISTER_RETURN_IF_ERROR(WriteFile("/proc/self/setgroups", "deny"));
  CLOISTER_RETURN_IF_ERROR(WriteFile("/proc/self/uid_map", absl::StrCat("0 ", space.uid, " 1")));
  return WriteFile("/proc/self/gid_map", absl::StrCat("0 ", space.gid, " 1"));
}

// "INSIDE OUTSIDE COUNT" of each extent: 0 is `own`, those after it the ranges.
std::string MapOf(uint32_t own, const std::vector<node::SubordinateIds>& ranges) {
  std::string map = absl::StrCat("0 ", own, " 1");
  uint32_t next = 1;
  for (const node::SubordinateIds& range : ranges) {
    if (range.count > UINT32_MAX - next) break;
    absl::StrAppend(&map, " ", next, " ", range.first, " ", range.count);
    next += range.count;
  }
  return map;
}

// newuidmap(1) and newgidmap(1) get their rights by set-user-id, which counts for nothing inside
// the namespace: so a child of ours stays outside, and runs them when we are in.
class RangeMapper {
 public:
  static absl::StatusOr<RangeMapper> Start(const std::string& uid_map, const std::string& gid_map) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
    const OwnedFd reading(ends[0]);
    RangeMapper mapper;
    mapper.go_ = OwnedFd(ends[1]);
    SpawnOptions options;
    options.argv = {"/bin/sh", "-c",
                    absl::StrCat("read -r go && ", kNewUidMap, " ", getpid(), " ", uid_map, " && ",
                                 kNewGidMap, " ", getpid(), " ", gid_map)};
    options.fds = {{reading.get(), STDIN_FILENO},
                   {STDERR_FILENO, STDOUT_FILENO},
                   {STDERR_FILENO, STDERR_FILENO}};
    CLOISTER_ASSIGN_OR_RETURN(mapper.child_, Spawn(options));
    return mapper;
  }

  absl::Status Map() {
    if (write(go_.get(), "\n", 1) != 1) return ErrnoStatus(errno, "newuidmap");
    CLOISTER_ASSIGN_OR_RETURN(const int status, child_.pidfd.WaitAndReap());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "newuidmap or newgidmap refused the ranges of /etc/subuid and /etc/subgid (its words are "
        "above): set them right, or take this user's lines out to run with one id");
  }

  void Drop() {
    go_.reset();
    child_.pidfd.WaitAndReap().status().IgnoreError();
  }

 private:
  OwnedFd go_;
  SpawnedProcess child_{};
};

absl::Status EnterNew(const node::UserNamespace& space) {
  const std::vector<node::SubordinateIds> uids =
      node::ParseSubordinateIds(ReadText("/etc/subuid"), space.user_name, space.uid);
  const std::vector<node::SubordinateIds> gids =
      node::ParseSubordinateIds(ReadText("/etc/subgid"), space.user_name, space.uid);
  // newuidmap(1) serves nobody whom passwd does not know.
  const bool known = space.user_name != absl::StrCat(space.uid);
  const bool range = known && !uids.empty() && !gids.empty() && access(kNewUidMap, X_OK) == 0 &&
                     access(kNewGidMap, X_OK) == 0;
  absl::StatusOr<RangeMapper> mapper = RangeMapper();
  if (range) {
    mapper = RangeMapper::Start(MapOf(space.uid, uids), MapOf(space.gid, gids));
    if (!mapper.ok()) return mapper.status();
  }
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    const int error_number = errno;
    if (range) mapper->Drop();
    return NotAllowed(error_number);
  }
  if (!range) return MapOneId(space);
  CLOISTER_RETURN_IF_ERROR(mapper->Map());
  // Those of the user who started us are no business of tasks.
  if (setgroups(0, nullptr) != 0) return ErrnoStatus(errno, "setgroups");
  return absl::OkStatus();
}

// The highest id inside, from the lines "INSIDE OUTSIDE COUNT" of a map.
uint32_t LastMapped(const std::string& path) {
  std::istringstream map(ReadText(path));
  uint32_t last = 0;
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t count = 0;
  while (map >> inside >> outside >> count) last = std::max(last, inside + count - 1);
  return last;
}

int KeptGroups() {
  std::vector<gid_t> groups(65536);
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  int kept = 0;
  // The group of the user itself may be among them; it is mapped, the others are not.
  for (int i = 0; i < count; ++i) kept += groups[static_cast<size_t>(i)] != 0;
  return kept;
}

}  // namespace

absl::Status AddUserDefaults(const std::function<std::string(const std::string&)>& environment,
                             ExecutorFlags* flags) {
  if (flags->state_dir.empty()) {
    std::string base = environment("XDG_STATE_HOME");
    if (!absl::StartsWith(base, "/")) base = absl::StrCat(environment("HOME"), "/.local/state");
    flags->state_dir = CleanPath(absl::StrCat(base, "/cloister"));
    CLOISTER_RETURN_IF_ERROR(MakeDirectories(flags->state_dir));
  }
  if (!flags->run_dir.empty()) return absl::OkStatus();
  const std::string usual = state::DefaultRunDirectory(CleanPath(flags->state_dir), getuid());
  const std::string base = environment("XDG_RUNTIME_DIR");
  flags->run_dir = absl::StartsWith(base, "/")
                       ? CleanPath(absl::StrCat(base, "/cloister", usual.substr(usual.rfind('/'))))
                       : usual;
  return MakeDirectories(flags->run_dir.substr(0, flags->run_dir.rfind('/')));
}

absl::StatusOr<node::UserNamespace> EnterUserNamespace(const std::string& state_dir) {
  node::UserNamespace space = WhoStartedUs();
  const PidFd launcher = LivingLauncher(state_dir);
  if (launcher.valid()) {
    if (setns(launcher.get(), CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return ErrnoStatus(errno, "the namespaces of a launcher that still runs");
    }
  } else {
    CLOISTER_RETURN_IF_ERROR(EnterNew(space));
  }
  space.last_uid = LastMapped("/proc/self/uid_map");
  space.last_gid = LastMapped("/proc/self/gid_map");
  space.kind =
      space.last_uid == 0 ? node::UserNamespace::Kind::kOneId : node::UserNamespace::Kind::kRange;
  space.kept_groups = KeptGroups();
  std::istringstream(ReadText("/proc/self/oom_score_adj")) >> space.oom_score_adj;
  return space;
}

}  // namespace cloister::executor
