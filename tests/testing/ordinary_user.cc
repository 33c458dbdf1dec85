#include "tests/testing/ordinary_user.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/spawn.h"
#include "tests/testing/cluster_runfile.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;

constexpr char kName[] = "cloister-tester";
// Those that the test has.
constexpr const char* kPrograms[] = {"CLOISTER_TEST_CLI",      "CLOISTER_TEST_EXECUTOR",
                                     "CLOISTER_TEST_FRONTEND", "CLOISTER_TEST_LAUNCHER",
                                     "CLOISTER_TEST_FETCHER",  "CLOISTER_TEST_WITHOUT_CALLS"};

absl::Status CopyAll(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (fs::is_directory(from, error)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
      if (!entry.is_regular_file()) continue;
      fs::copy_file(fs::canonical(entry.path()), to / entry.path().filename(), error);
    }
  } else {
    fs::copy_file(from, to / from.filename(), error);
  }
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(from.string(), ": ", error.message()));
}

absl::Status CopyPrograms(const std::string& directory) {
  const std::string programs = absl::StrCat(directory, "/bin");
  for (const char* variable : kPrograms) {
    if (getenv(variable) == nullptr) continue;
    CLOISTER_ASSIGN_OR_RETURN(const std::string path, ClusterRunfile(variable));
    CLOISTER_RETURN_IF_ERROR(CopyAll(path, programs));
    setenv(variable, absl::StrCat(programs, path.substr(path.rfind('/'))).c_str(), 1);
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::string payload, ClusterRunfile("CLOISTER_TEST_PAYLOAD"));
  const size_t slash = payload.rfind('/');
  const std::string payloads = absl::StrCat(directory, "/payloads");
  CLOISTER_RETURN_IF_ERROR(CopyAll(payload.substr(0, slash), payloads));
  setenv("CLOISTER_TEST_PAYLOAD", absl::StrCat(payloads, payload.substr(slash)).c_str(), 1);
  return absl::OkStatus();
}

absl::Status GiveAway(const std::string& directory, uint32_t id) {
  if (chown(directory.c_str(), id, id) != 0) return ErrnoStatus(errno, directory);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (lchown(entry.path().c_str(), id, id) != 0) return ErrnoStatus(errno, entry.path().string());
  }
  return absl::OkStatus();
}

absl::Status MountOver(const std::string& path, const std::string& directory,
                       const std::string& content) {
  const std::string file = absl::StrCat(directory, path.substr(path.rfind('/')));
  std::ofstream(file) << content;
  if (mount(file.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ErrnoStatus(errno, path);
  }
  return absl::OkStatus();
}

// What the machine is to know of the user. newuidmap(1) wants a name.
absl::Status MountAccount(const std::string& directory, const OrdinaryUserOptions& options) {
  if (options.subordinates == 0) return absl::OkStatus();
  if (unshare(CLONE_NEWNS) != 0) return ErrnoStatus(errno, "mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return ErrnoStatus(errno, "private propagation");
  }
  std::ifstream known("/etc/passwd");
  const std::string passwd((std::istreambuf_iterator<char>(known)),
                           std::istreambuf_iterator<char>());
  CLOISTER_RETURN_IF_ERROR(MountOver("/etc/passwd", directory,
                                     absl::StrCat(passwd, kName, ":x:", options.id, ":", options.id,
                                                  "::", directory, "/home:/bin/sh\n")));
  const std::string ids =
      absl::StrCat(kName, ":", options.first_subordinate, ":", options.subordinates, "\n");
  CLOISTER_RETURN_IF_ERROR(MountOver("/etc/subuid", directory, ids));
  return MountOver("/etc/subgid", directory, ids);
}

// What tasks have made as ids of the range is nobody else's to remove.
std::error_code RemoveAsRootOfTheRange(const std::string& directory) {
  SpawnOptions options;
  options.argv = {"/usr/bin/unshare", "--map-auto", "--map-root-user", "/bin/rm", "-rf", directory};
  options.fds = {{STDERR_FILENO, STDERR_FILENO}};
  const absl::StatusOr<SpawnedProcess> removal = Spawn(options);
  if (removal.ok()) removal->pidfd.WaitAndReap().status().IgnoreError();  // Seen by what is there.
  std::error_code error;
  return fs::exists(directory, error) ? std::make_error_code(std::errc::directory_not_empty)
                                      : std::error_code();
}

}  // namespace

absl::Status OrdinaryUser::Become(const OrdinaryUserOptions& options) {
  std::string directory = "/tmp/cloister-user-XXXXXX";
  if (mkdtemp(&directory[0]) == nullptr) return ErrnoStatus(errno, directory);
  directory_ = directory;
  has_range_ = options.subordinates > 0;
  CLOISTER_RETURN_IF_ERROR(CopyPrograms(directory));
  CLOISTER_RETURN_IF_ERROR(MountAccount(directory, options));
  for (const char* name : {"home", "tmp"}) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (mkdir(path.c_str(), 0700) != 0) return ErrnoStatus(errno, path);
  }
  CLOISTER_RETURN_IF_ERROR(GiveAway(directory, options.id));
  setenv("HOME", absl::StrCat(directory, "/home").c_str(), 1);
  setenv("TEST_TMPDIR", absl::StrCat(directory, "/tmp").c_str(), 1);
  // Root's; Bazel makes up a report from what is printed.
  for (const char* variable :
       {"XML_OUTPUT_FILE", "TEST_PREMATURE_EXIT_FILE", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"}) {
    unsetenv(variable);
  }
  if (chdir(directory.c_str()) != 0) return ErrnoStatus(errno, directory);
  if (setgroups(0, nullptr) != 0 || setresgid(options.id, options.id, options.id) != 0 ||
      setresuid(options.id, options.id, options.id) != 0) {
    return ErrnoStatus(errno, "change of user");
  }
  // The change takes it away, and with it what a process of the user's may know of itself.
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return ErrnoStatus(errno, "dumpable");
  return absl::OkStatus();
}

OrdinaryUser::OrdinaryUser(const OrdinaryUserOptions& options) {
  if (geteuid() != 0) return;
  const absl::Status status = Become(options);
  if (status.ok()) return;
  std::fprintf(stderr, "OrdinaryUser: %s\n", status.ToString().c_str());
  std::error_code error;
  if (!directory_.empty()) fs::remove_all(directory_, error);
  std::exit(1);
}

OrdinaryUser::~OrdinaryUser() {
  if (directory_.empty()) return;
  std::error_code error;
  fs::current_path("/", error);
  fs::remove_all(directory_, error);
  if (error && has_range_) error = RemoveAsRootOfTheRange(directory_);
  if (error) std::fprintf(stderr, "%s: %s\n", directory_.c_str(), error.message().c_str());
}

}  // namespace cloister
