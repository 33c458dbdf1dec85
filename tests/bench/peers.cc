#include "tests/bench/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/seccomp/profile.h"
#include "tests/bench/bwrap_command.h"
#include "tests/bench/command.h"
#include "tests/bench/command_contender.h"
#include "tests/bench/oci_config.h"
#include "tests/bench/peer_seccomp.h"

namespace cloister::bench {
namespace {

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return absl::InternalError(absl::StrCat("cannot write '", path, "'"));
  return absl::OkStatus();
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? ErrnoStatus(error.value(), path) : absl::OkStatus();
}

std::string OutputOf(const std::string& name, const PeerPlaces& places) {
  return absl::StrCat(places.directory, "/", name, ".output");
}

// The filter of the task whose plan it is.
absl::StatusOr<PeerSeccomp> SeccompOf(const internal::LaunchPlan& plan) {
  return MakePeerSeccomp(
      seccomp::MakeDefaultProfile(plan.capabilities().bounding(), /*host_pids=*/false));
}

// What a launcher makes for each task. Made here once: the peers are spared it.
absl::Status MakeTaskDirectory(const internal::LaunchPlan& plan, const std::string& path) {
  CLOISTER_RETURN_IF_ERROR(MakeDirectories(path));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd directory, OpenDirectory(path));
  for (const internal::Mount& mount : plan.mounts()) {
    if (mount.kind() != internal::Mount::KIND_TASK_DIRECTORY) continue;
    const absl::StatusOr<OwnedFd> made =
        MakeDirectory(directory.get(), mount.source(), mount.mode(), plan.identity().uid(),
                      plan.identity().gid());
    if (!made.ok()) return made.status();
  }
  return absl::OkStatus();
}

// A mount point for each bind, which the root template makes as well.
absl::Status MakeMountPoint(const internal::RootTemplate::Bind& bind, const std::string& path) {
  if (!bind.file()) return MakeDirectories(path);
  const OwnedFd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0444));
  return file.valid() ? absl::OkStatus() : ErrnoStatus(errno, path);
}

absl::Status MakeRoot(const internal::RootTemplate& root, const std::string& path) {
  for (const char* inside : {"", "/dev", "/sys"}) {
    CLOISTER_RETURN_IF_ERROR(MakeDirectories(path + inside));
  }
  for (const auto& directory : root.directories()) {
    const std::string made = path + directory.inside();
    CLOISTER_RETURN_IF_ERROR(MakeDirectories(made));
    if (chmod(made.c_str(), directory.mode()) != 0) return ErrnoStatus(errno, made);
  }
  for (const auto& link : root.links()) {
    const std::string made = path + link.inside();
    if (symlink(link.target().c_str(), made.c_str()) != 0) return ErrnoStatus(errno, made);
  }
  for (const auto& bind : root.binds()) {
    CLOISTER_RETURN_IF_ERROR(MakeMountPoint(bind, path + bind.inside()));
  }
  return absl::OkStatus();
}

std::string StateDirectory(const std::string& name, const PeerPlaces& places) {
  return absl::StrCat(places.directory, "/", name, "/state");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Contender>> MakeBareSpawn(const std::string& name,
                                                         const std::string& program,
                                                         const PeerPlaces& places) {
  std::vector<std::unique_ptr<Command>> commands;
  for (int worker = 0; worker < kWorkers; ++worker) {
    CLOISTER_ASSIGN_OR_RETURN(commands.emplace_back(),
                              Command::Make({{program}, OutputOf(name, places)}));
  }
  return std::make_unique<CommandContender>(name, std::move(commands));
}

absl::StatusOr<std::unique_ptr<Contender>> MakeBwrap(const internal::LaunchPlan& plan,
                                                     const PeerPlaces& places) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string program, FindProgram("bwrap"));
  CLOISTER_ASSIGN_OR_RETURN(const PeerSeccomp seccomp, SeccompOf(plan));
  const std::string& bpf = seccomp.bpf;
  const std::string bpf_path = bpf.empty() ? "" : absl::StrCat(places.directory, "/bwrap.seccomp");
  if (!bpf.empty()) CLOISTER_RETURN_IF_ERROR(WriteFile(bpf_path, bpf));
  std::vector<std::unique_ptr<Command>> commands;
  for (int worker = 0; worker < kWorkers; ++worker) {
    const std::string task_directory = absl::StrCat(places.directory, "/bwrap/", worker);
    CLOISTER_RETURN_IF_ERROR(MakeTaskDirectory(plan, task_directory));
    std::vector<std::string> argv = MakeBwrapArguments(plan, task_directory, !bpf.empty());
    argv.insert(argv.begin(), program);
    CLOISTER_ASSIGN_OR_RETURN(
        commands.emplace_back(),
        Command::Make({std::move(argv), OutputOf("bwrap", places), bpf_path}));
  }
  return std::make_unique<CommandContender>("bwrap", std::move(commands));
}

absl::StatusOr<std::unique_ptr<Contender>> MakeOciRuntime(const std::string& name,
                                                          const internal::LaunchPlan& plan,
                                                          const PeerPlaces& places) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string program, FindProgram(name));
  const std::string base = absl::StrCat(places.directory, "/", name);
  const std::string root = absl::StrCat(base, "/root");
  CLOISTER_ASSIGN_OR_RETURN(const PeerSeccomp seccomp, SeccompOf(plan));
  CLOISTER_RETURN_IF_ERROR(MakeRoot(plan.root(), root));
  CLOISTER_RETURN_IF_ERROR(MakeDirectories(StateDirectory(name, places)));
  std::vector<std::unique_ptr<Command>> commands;
  for (int worker = 0; worker < kWorkers; ++worker) {
    const std::string bundle = absl::StrCat(base, "/", worker);
    const std::string container = absl::StrCat(places.id, "-", name, "-", worker);
    CLOISTER_RETURN_IF_ERROR(MakeTaskDirectory(plan, bundle));
    const OciPlaces inside = {root, bundle, absl::StrCat("/", places.id, "/", container)};
    CLOISTER_RETURN_IF_ERROR(
        WriteFile(absl::StrCat(bundle, "/config.json"), MakeOciConfig(plan, inside, seccomp)));
    CLOISTER_ASSIGN_OR_RETURN(commands.emplace_back(),
                              Command::Make({{program, "--root", StateDirectory(name, places),
                                              "run", "--bundle", bundle, container},
                                             OutputOf(name, places)}));
  }
  return std::make_unique<CommandContender>(name, std::move(commands));
}

absl::Status DeleteLeftContainers(const std::string& name, const PeerPlaces& places) {
  const std::string state = StateDirectory(name, places);
  std::error_code error;
  absl::Status first;
  for (const auto& entry : std::filesystem::directory_iterator(state, error)) {
    CLOISTER_ASSIGN_OR_RETURN(const std::string program, FindProgram(name));
    CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<Command> remove,
                              Command::Make({{program, "--root", state, "delete", "--force",
                                              entry.path().filename().string()},
                                             OutputOf(name, places)}));
    first.Update(remove->Run());
  }
  return first;
}

}  // namespace cloister::bench
