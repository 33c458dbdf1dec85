#include "services/fetcher/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iterator>
#include <string>

#include "libs/os/close_from.h"
#include "services/fetcher/classic_root.h"

namespace cloister::fetcher {
namespace {

using Role = Confinement::Role;

// Until the steps that need them are done; then closed.
constexpr int kBarrierFd = 6;
constexpr int kZygoteFd = 7;

// By these the C library resolves names. What a node does not have is left out.
constexpr const char* kResolverFiles[] = {"hosts",    "resolv.conf", "nsswitch.conf", "host.conf",
                                          "gai.conf", "services",    "protocols"};

// What a program of the node is, and what it needs to start. On most nodes those of the root are
// links into /usr.
constexpr const char* kProgramDirectories[] = {"usr", "lib", "lib32", "lib64", "libx32"};
constexpr const char* kProgramFiles[] = {"ld.so.cache"};

constexpr uint64_t kProgramMount = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr uint64_t kWholeMount = kProgramMount | MOUNT_ATTR_NOEXEC;
// The same for mount(2).
constexpr unsigned long kOutputFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr unsigned long kProgramMountFlags = MS_RDONLY | MS_NOSUID | MS_NODEV;
constexpr unsigned long kWholeMountFlags = kProgramMountFlags | MS_NOEXEC;

struct State {
  const Confinement& confinement;
  // Of the new root.
  int root = -1;

  bool is_cell() const { return confinement.role != Role::kBroker; }
  bool runs_programs() const { return confinement.role == Role::kProgramCell; }
};

using StepFunction = int (*)(State& state);

int ErrorOf(long result) { return result < 0 ? errno : 0; }

// Before anything costs: it is limited with the fetch and killed with it. "0" is the writer.
int CgroupJoin(State& state) {
  for (int tasks : state.confinement.joins) {
    if (write(tasks, "0", 1) != 1) return errno;
  }
  return 0;
}

// All that the zygote has: sockets of other fetches among them.
int Fds(State& state) {
  const Confinement& confinement = state.confinement;
  const int wanted[][2] = {{STDIN_FILENO, STDOUT_FILENO},       {STDIN_FILENO, STDERR_FILENO},
                           {confinement.executor, kExecutorFd}, {confinement.peer, kPeerFd},
                           {confinement.output, kOutputFd},     {confinement.barrier, kBarrierFd},
                           {confinement.zygote, kZygoteFd}};
  for (const auto& pair : wanted) {
    if (pair[0] < 0) {
      close(pair[1]);
    } else if (dup3(pair[0], pair[1], pair[1] <= STDERR_FILENO ? 0 : O_CLOEXEC) < 0) {
      return errno;
    }
  }
  const int error = static_cast<int>(-CloseFrom(kZygoteFd + 1));
  // While the id is the zygote's, whose directories those above it are.
  const bool reopens = error == 0 && confinement.classic_mounts && confinement.output >= 0;
  return reopens ? ReopenHere(kOutputFd) : error;
}

// End of file: the zygote could not write the maps, or is gone.
int Barrier(State&) {
  char byte;
  const ssize_t size = read(kBarrierFd, &byte, 1);
  close(kBarrierFd);
  if (size == 1) return 0;
  return size < 0 ? errno : ECANCELED;
}

int SetCapabilities(uint64_t sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int word = 0; word < 2; ++word) {
    data[word].effective = static_cast<uint32_t>(sets >> (32 * word));
    data[word].permitted = data[word].effective;
  }
  return ErrorOf(syscall(SYS_capset, &header, data));
}

uint64_t PermittedCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  syscall(SYS_capget, &header, data);
  return data[0].permitted | uint64_t{data[1].permitted} << 32;
}

// Before ROOT: what an id makes that the namespace does not have, nobody may write there. The
// namespace brings all capabilities over itself, which MOUNTS needs, and which CAPABILITIES drops.
// Groups cannot be set in it; the zygote has none.
int Identity(State&) {
  if (prctl(PR_SET_KEEPCAPS, 1) != 0) return errno;
  if (setresgid(kInsideId, kInsideId, kInsideId) != 0) return errno;
  if (setresuid(kInsideId, kInsideId, kInsideId) != 0) return errno;
  return SetCapabilities(PermittedCapabilities());
}

int Session(State&) { return ErrorOf(setsid()); }

// Not that of the zygote. A kernel without keyrings has none to leave.
int Keyring(State&) {
  const int error = ErrorOf(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0));
  return error == ENOSYS ? 0 : error;
}

int Hostname(State&) {
  constexpr char kName[] = "fetcher";
  if (sethostname(kName, sizeof(kName) - 1) != 0) return errno;
  return ErrorOf(setdomainname("", 0));
}

// Before the first mount: nothing of it is to appear on the node, nor anything of the node in it.
int Propagation(State&) {
  return ErrorOf(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
}

// Small: it holds the places to mount on, and later nobody writes to it.
int Root(State& state) {
  if (state.confinement.classic_mounts) return MakeClassicRoot(&state.root);
  const int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0) return errno;
  int error = ErrorOf(fsconfig(context, FSCONFIG_SET_STRING, "size", "64k", 0));
  if (error == 0) error = ErrorOf(fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "32", 0));
  if (error == 0) error = ErrorOf(fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0));
  if (error == 0) error = ErrorOf(fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  if (error == 0) {
    state.root = fsmount(context, FSMOUNT_CLOEXEC, 0);
    error = ErrorOf(state.root);
  }
  close(context);
  // A place must be part of a namespace before anything can be mounted on it (before Linux 6.15).
  if (error == 0)
    error = ErrorOf(move_mount(state.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
  return error;
}

int MountOutput(const State& state) {
  if (mkdirat(state.root, &kOutputPath[1], 0700) != 0) return errno;
  if (state.confinement.classic_mounts) {
    const int error = BindAt(kOutputFd, state.root, &kOutputPath[1]);
    return error != 0 ? error : AddMountFlagsAt(state.root, &kOutputPath[1], kOutputFlags);
  }
  if (move_mount(kOutputFd, "", state.root, &kOutputPath[1], MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return errno;
  }
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return ErrorOf(mount_setattr(kOutputFd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)));
}

int MakeFile(int directory, const char* name) {
  const int file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) return errno;
  close(file);
  return 0;
}

std::string FileOfEtc(const char* name) { return std::string("/etc/") + name; }

int BindFileOfEtc(int etc, const char* name) {
  const std::string source = FileOfEtc(name);
  if (access(source.c_str(), F_OK) != 0) return errno == ENOENT ? 0 : errno;
  int error = MakeFile(etc, name);
  if (error == 0) error = BindAt(source.c_str(), etc, name);
  return error != 0 ? error : AddMountFlagsAt(etc, name, kWholeMountFlags);
}

int MountFileOfEtc(int etc, const char* name) {
  const int tree =
      open_tree(AT_FDCWD, FileOfEtc(name).c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) return errno == ENOENT ? 0 : errno;
  mount_attr attributes = {};
  attributes.attr_set = kWholeMount;
  int error = ErrorOf(mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)));
  if (error == 0) error = MakeFile(etc, name);
  if (error == 0) error = ErrorOf(move_mount(tree, "", etc, name, MOVE_MOUNT_F_EMPTY_PATH));
  close(tree);
  return error;
}

int MountFilesOfEtc(const State& state, const char* const* names, size_t count) {
  if (mkdirat(state.root, "etc", 0755) != 0) return errno;
  const int etc = openat(state.root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (etc < 0) return errno;
  const auto mount_file = state.confinement.classic_mounts ? BindFileOfEtc : MountFileOfEtc;
  int error = 0;
  for (size_t i = 0; i < count && error == 0; ++i) error = mount_file(etc, names[i]);
  close(etc);
  return error;
}

// By mount(2) only the topmost mount would become read-only: it is bound alone, which the kernel
// refuses where something is mounted in it.
int BindProgramDirectory(const State& state, const std::string& source, const char* name) {
  if (mkdirat(state.root, name, 0755) != 0) return errno;
  const int error = BindAt(source.c_str(), state.root, name);
  return error != 0 ? error : AddMountFlagsAt(state.root, name, kProgramMountFlags);
}

// With what is mounted below it: a namespace of less rights may not uncover what that hides.
int MountProgramDirectory(const State& state, const char* name) {
  const std::string source = std::string("/") + name;
  char target[PATH_MAX];
  const ssize_t size = readlink(source.c_str(), target, sizeof(target) - 1);
  if (size >= 0) {
    target[size] = '\0';
    return ErrorOf(symlinkat(target, state.root, name));
  }
  if (errno != EINVAL) return errno == ENOENT ? 0 : errno;
  if (state.confinement.classic_mounts) return BindProgramDirectory(state, source, name);
  const int tree =
      open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0) return errno;
  mount_attr attributes = {};
  attributes.attr_set = kProgramMount;
  int error = ErrorOf(
      mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)));
  if (error == 0) error = ErrorOf(mkdirat(state.root, name, 0755));
  if (error == 0) error = ErrorOf(move_mount(tree, "", state.root, name, MOVE_MOUNT_F_EMPTY_PATH));
  close(tree);
  return error;
}

// While the node's files are still there to be mounted.
int Mounts(State& state) {
  if (!state.is_cell()) return MountFilesOfEtc(state, kResolverFiles, std::size(kResolverFiles));
  int error = MountOutput(state);
  if (error != 0 || !state.runs_programs()) return error;
  for (const char* name : kProgramDirectories) {
    if (error == 0) error = MountProgramDirectory(state, name);
  }
  return error != 0 ? error : MountFilesOfEtc(state, kProgramFiles, std::size(kProgramFiles));
}

// The node's whole tree goes: nothing is left that ".." could lead to.
int Pivot(State& state) {
  if (fchdir(state.root) != 0) return errno;
  if (syscall(SYS_pivot_root, ".", ".") != 0) return errno;
  if (umount2(".", MNT_DETACH) != 0) return errno;
  return ErrorOf(chdir("/"));
}

int SealRoot(const State& state) {
  mount_attr attributes = {};
  attributes.attr_set = kWholeMount;
  const unsigned flags = AT_EMPTY_PATH | (state.is_cell() ? 0U : unsigned{AT_RECURSIVE});
  return ErrorOf(mount_setattr(state.root, "", flags, &attributes, sizeof(attributes)));
}

int ReadOnly(State& state) {
  const int error =
      state.confinement.classic_mounts ? AddMountFlags("/", kWholeMountFlags) : SealRoot(state);
  close(state.root);
  if (error != 0 || !state.is_cell()) return error;
  // The mount was opened as a path; from now on it is a directory of the new root.
  const int output = open(kOutputPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (output < 0) return errno;
  const int placed = dup3(output, kOutputFd, O_CLOEXEC);
  const int place_error = ErrorOf(placed);
  close(output);
  return place_error;
}

int Limit(int resource, uint64_t value) {
  const rlimit limit = {value, value};
  return ErrorOf(setrlimit(static_cast<__rlimit_resource>(resource), &limit));
}

int Limits(State& state) {
  const internal::FetchLimits& limits = state.confinement.limits;
  int error = Limit(RLIMIT_CORE, 0);
  if (error == 0) error = Limit(RLIMIT_MEMLOCK, 0);
  if (error == 0) error = Limit(RLIMIT_NOFILE, limits.open_files() > 0 ? limits.open_files() : 64);
  if (error == 0 && limits.file_bytes() > 0) error = Limit(RLIMIT_FSIZE, limits.file_bytes());
  if (error == 0 && limits.address_space_bytes() > 0) {
    error = Limit(RLIMIT_AS, limits.address_space_bytes());
  }
  // What is over the limit, or has nobody who reads it, is an error that is told, not the end.
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  umask(0077);
  return error;
}

// Needs CAP_SETPCAP. A program that is run gets nothing either, should one ever be.
int BoundingSet(State&) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno;
  }
  return ErrorOf(prctl(PR_SET_SECUREBITS,
                       SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                           SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                           SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED));
}

int Capabilities(State&) { return SetCapabilities(0); }

// After IDENTITY, which clears it. Had the zygote ended before, no signal would ever come.
int DeathSignal(State&) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return errno;
  pollfd zygote = {kZygoteFd, POLLIN, 0};
  const int ended = poll(&zygote, 1, 0);
  close(kZygoteFd);
  return ended == 0 ? 0 : ESRCH;
}

int NoNewPrivs(State&) { return ErrorOf(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

// landlock_ruleset_attr of Linux 6.12; an older kernel takes it as long as what it does not know is
// 0.
struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

RulesetAttributes EverythingRefused(int abi, bool is_cell) {
  constexpr uint64_t kBindTcp = 1 << 0;
  constexpr uint64_t kConnectTcp = 1 << 1;
  constexpr uint64_t kAbstractSocketsAndSignals = 3;
  constexpr int kAccessesOfAbi[] = {0, 13, 14, 15, 15, 16};
  RulesetAttributes attributes = {};
  attributes.files = (uint64_t{1} << kAccessesOfAbi[abi < 5 ? abi : 5]) - 1;
  if (abi >= 4) attributes.network = is_cell ? kBindTcp | kConnectTcp : kBindTcp;
  if (abi >= 6) attributes.scoped = kAbstractSocketsAndSignals;
  return attributes;
}

int AllowBeneath(int ruleset, int directory, uint64_t access) {
  const landlock_path_beneath_attr beneath = {access, directory};
  return ErrorOf(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0));
}

// What is not there needs no rule.
int AllowPath(int ruleset, const char* path, uint64_t access) {
  const int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) return errno == ENOENT ? 0 : errno;
  const int error = AllowBeneath(ruleset, place, access);
  close(place);
  return error;
}

int AllowPrograms(int ruleset) {
  constexpr uint64_t kRunning =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  int error = 0;
  for (const char* name : kProgramDirectories) {
    if (error == 0) error = AllowPath(ruleset, (std::string("/") + name).c_str(), kRunning);
  }
  for (const char* name : kProgramFiles) {
    if (error == 0)
      error = AllowPath(ruleset, FileOfEtc(name).c_str(), LANDLOCK_ACCESS_FS_READ_FILE);
  }
  return error;
}

// A second wall behind the empty root, for what a mistake in the first one would let through. It
// stands where the kernel has it; FetcherHello says if it has not.
int Landlock(State& state) {
  const int abi = state.confinement.landlock_abi;
  if (abi == 0) return 0;
  const RulesetAttributes attributes = EverythingRefused(abi, state.is_cell());
  const int ruleset =
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0));
  if (ruleset < 0) return errno;
  constexpr uint64_t kRefer = uint64_t{1} << 13;
  constexpr uint64_t kTruncate = uint64_t{1} << 14;
  constexpr uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  // Neither programs nor devices, FIFOs and sockets.
  constexpr uint64_t kTree = kReading | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_SYM | kRefer | kTruncate;
  int error = 0;
  if (state.is_cell()) {
    error = AllowBeneath(ruleset, kOutputFd, kTree & attributes.files);
    if (error == 0 && state.runs_programs()) error = AllowPrograms(ruleset);
  } else {
    error = AllowPath(ruleset, "/etc", kReading);
  }
  if (error == 0) error = ErrorOf(syscall(SYS_landlock_restrict_self, ruleset, 0));
  close(ruleset);
  return error;
}

// Last: it would be in the way of the steps before it. What comes after is the fetch.
int Seccomp(State& state) {
  const std::vector<sock_filter>& filter = *state.confinement.filter;
  const sock_fprog program = {static_cast<uint16_t>(filter.size()),
                              const_cast<sock_filter*>(filter.data())};
  return ErrorOf(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

struct Step {
  internal::ConfineStep name;
  StepFunction run;
};

constexpr Step kSteps[] = {
    {internal::CONFINE_STEP_CGROUP_JOIN, CgroupJoin},
    {internal::CONFINE_STEP_FDS, Fds},
    {internal::CONFINE_STEP_BARRIER, Barrier},
    {internal::CONFINE_STEP_IDENTITY, Identity},
    {internal::CONFINE_STEP_SESSION, Session},
    {internal::CONFINE_STEP_KEYRING, Keyring},
    {internal::CONFINE_STEP_HOSTNAME, Hostname},
    {internal::CONFINE_STEP_PROPAGATION, Propagation},
    {internal::CONFINE_STEP_ROOT, Root},
    {internal::CONFINE_STEP_MOUNTS, Mounts},
    {internal::CONFINE_STEP_PIVOT, Pivot},
    {internal::CONFINE_STEP_READ_ONLY, ReadOnly},
    {internal::CONFINE_STEP_LIMITS, Limits},
    {internal::CONFINE_STEP_BOUNDING_SET, BoundingSet},
    {internal::CONFINE_STEP_CAPABILITIES, Capabilities},
    {internal::CONFINE_STEP_DEATH_SIGNAL, DeathSignal},
    {internal::CONFINE_STEP_NO_NEW_PRIVS, NoNewPrivs},
    {internal::CONFINE_STEP_LANDLOCK, Landlock},
    {internal::CONFINE_STEP_SECCOMP, Seccomp},
};

}  // namespace

int LandlockAbi() {
  const long abi =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

ConfineOutcome Confine(const Confinement& confinement) {
  State state{confinement};
  ConfineOutcome outcome;
  outcome.executor = confinement.executor;
  for (const Step& step : kSteps) {
    outcome.step = step.name;
    outcome.error_number = step.run(state);
    if (outcome.error_number != 0) return outcome;
    if (step.name == internal::CONFINE_STEP_FDS) outcome.executor = kExecutorFd;
  }
  return outcome;
}

}  // namespace cloister::fetcher
