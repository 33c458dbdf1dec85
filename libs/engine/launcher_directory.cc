#include "libs/engine/launcher_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/launcher_wire.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"
#include "libs/os/spawn.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister::engine {
namespace {

absl::Status WriteLauncherRecord(int directory, const internal::LauncherRecord& record) {
  return state::WriteRecord(directory, state::kLauncherRecord, record.SerializeAsString());
}

void SendAway(const std::string& socket_path) {
  absl::StatusOr<OwnedFd> socket = ConnectSeqpacket(socket_path);
  if (!socket.ok()) return;
  internal::LauncherRequest request;
  request.mutable_retire();
  // If it cannot be sent, it has gone already.
  [[maybe_unused]] const absl::Status sent = SendRequest(socket->get(), request);
}

}  // namespace

LauncherDirectory::LauncherDirectory(OwnedFd directory, LauncherProgram program)
    : directory_(std::move(directory)), program_(std::move(program)) {}

std::string LauncherDirectory::SlotPrefix(const std::string& name) const {
  return absl::StrCat(program_.slot_prefix, "-", name);
}

absl::StatusOr<std::vector<std::string>> LauncherDirectory::List() const {
  OwnedFd fd(openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "launchers");
  DIR* stream = fdopendir(fd.get());
  if (stream == nullptr) return ErrnoStatus(errno, "launchers");
  [[maybe_unused]] const int taken = fd.Release();
  absl::Cleanup close = [stream] { closedir(stream); };
  std::vector<int> numbers;
  while (const dirent* entry = readdir(stream)) {
    int number;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> names;
  for (int number : numbers) names.push_back(absl::StrCat(number));
  return names;
}

absl::StatusOr<std::string> LauncherDirectory::NextName() const {
  CLOISTER_ASSIGN_OR_RETURN(std::vector<std::string> names, List());
  int last = 0;
  if (!names.empty() && !absl::SimpleAtoi(names.back(), &last)) last = 0;
  return absl::StrCat(last + 1);
}

absl::StatusOr<LauncherDirectory::Listening> LauncherDirectory::Listen(
    const std::string& name) const {
  Listening listening;
  listening.record.set_name(name);
  listening.record.set_socket_path(
      absl::StrCat(program_.run_directory, "/", state::LauncherSocket(name)));
  listening.record.set_boot_id(program_.boot_id);
  listening.record.set_version(program_.version);
  CLOISTER_ASSIGN_OR_RETURN(listening.directory,
                            MakeDirectory(directory_.get(), name, 0700, geteuid(), getegid()));
  // Before the socket and the process: whatever comes after it is found by it.
  CLOISTER_RETURN_IF_ERROR(WriteLauncherRecord(listening.directory.get(), listening.record));
  unlink(listening.record.socket_path().c_str());  // Of an earlier boot, perhaps.
  CLOISTER_ASSIGN_OR_RETURN(listening.socket, ListenSeqpacket(listening.record.socket_path()));
  CLOISTER_ASSIGN_OR_RETURN(listening.log,
                            OpenBeneath(listening.directory.get(), state::kLauncherLog,
                                        O_WRONLY | O_CREAT | O_APPEND, 0600));
  return listening;
}

absl::StatusOr<LauncherClient::Target> LauncherDirectory::Exec(Listening listening) const {
  OwnedFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  const std::string& name = listening.record.name();
  SpawnOptions options;
  options.argv = {program_.path, "--listen_fd=3",
                  absl::StrCat("--cgroup_slot_prefix=", SlotPrefix(name))};
  options.fds = {{null.get(), 0},
                 {listening.log.get(), 1},
                 {listening.log.get(), 2},
                 {listening.socket.get(), 3}};
  options.new_session = true;
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess process, cloister::Spawn(options));
  listening.record.set_pid(process.pid);
  absl::StatusOr<uint64_t> start_time = ProcessStartTime(process.pid);
  if (start_time.ok()) listening.record.set_start_time_ticks(*start_time);
  const absl::Status recorded =
      start_time.ok() ? WriteLauncherRecord(listening.directory.get(), listening.record)
                      : start_time.status();
  if (!recorded.ok()) {
    [[maybe_unused]] const absl::Status killed = process.pidfd.Signal(9);
    [[maybe_unused]] const auto reaped = process.pidfd.WaitAndReap();
    return recorded;
  }
  LauncherClient::Target target;
  target.name = name;
  target.socket_path = listening.record.socket_path();
  target.process = std::move(process.pidfd);
  target.is_child = true;
  return target;
}

absl::StatusOr<LauncherClient::Target> LauncherDirectory::Spawn() const {
  CLOISTER_ASSIGN_OR_RETURN(const std::string name, NextName());
  absl::Cleanup remove = [&] { [[maybe_unused]] const absl::Status removed = Remove(name); };
  absl::StatusOr<Listening> listening = Listen(name);
  if (!listening.ok()) return Annotate(listening.status(), "launcher ", name);
  // Our copy of the listening socket is closed with `listening`: were the launcher to die,
  // connecting would fail at once.
  absl::StatusOr<LauncherClient::Target> target = Exec(*std::move(listening));
  if (!target.ok()) return Annotate(target.status(), "launcher ", name);
  std::move(remove).Cancel();
  return target;
}

absl::StatusOr<internal::LauncherRecord> LauncherDirectory::ReadRecord(
    const std::string& name) const {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory,
                            OpenBeneath(directory_.get(), name, O_PATH | O_DIRECTORY));
  absl::StatusOr<std::string> bytes = state::ReadRecord(directory.get(), state::kLauncherRecord);
  internal::LauncherRecord record;
  if (bytes.ok() && !record.ParseFromString(*bytes)) {
    bytes = absl::DataLossError("is no LauncherRecord");
  }
  if (absl::IsDataLoss(bytes.status())) {
    // Written by rename, so only a crash of the machine can have done this: it is of an earlier
    // boot.
    return absl::NotFoundError(bytes.status().message());
  }
  if (!bytes.ok()) return bytes.status();
  return record;
}

absl::StatusOr<LauncherClient::Target> LauncherDirectory::Open(const std::string& name) const {
  CLOISTER_ASSIGN_OR_RETURN(internal::LauncherRecord record, ReadRecord(name));
  if (record.boot_id() != program_.boot_id) {
    return absl::NotFoundError(absl::StrCat("launcher ", name, " was of an earlier boot"));
  }
  LauncherClient::Target target;
  target.name = name;
  target.socket_path = record.socket_path();
  if (record.pid() == 0) {
    // Its executor died between the spawn and the second record, so it was given no task. If it
    // runs, it leaves.
    SendAway(record.socket_path());
    return absl::NotFoundError(absl::StrCat("launcher ", name, " was never given a task"));
  }
  CLOISTER_ASSIGN_OR_RETURN(target.process,
                            PidFd::OpenRecorded(record.pid(), record.start_time_ticks()));
  if (target.process.HasEnded()) {
    return absl::NotFoundError(absl::StrCat("launcher ", name, " has ended"));
  }
  return target;
}

std::string LauncherDirectory::LastWords(const std::string& name) const {
  absl::StatusOr<OwnedFd> log =
      OpenBeneath(directory_.get(), absl::StrCat(name, "/", state::kLauncherLog), O_RDONLY);
  if (!log.ok()) return "";
  char buffer[400];
  const off_t end = lseek(log->get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, end - static_cast<off_t>(sizeof(buffer)));
  const ssize_t size = pread(log->get(), buffer, sizeof(buffer), from);
  if (size <= 0) return "";
  return std::string(
      absl::StripAsciiWhitespace(absl::string_view(buffer, static_cast<size_t>(size))));
}

absl::Status LauncherDirectory::Remove(const std::string& name) const {
  absl::StatusOr<internal::LauncherRecord> record = ReadRecord(name);
  if (record.ok()) unlink(record->socket_path().c_str());
  absl::StatusOr<OwnedFd> directory = OpenBeneath(directory_.get(), name, O_PATH | O_DIRECTORY);
  if (absl::IsNotFound(directory.status())) return absl::OkStatus();
  if (!directory.ok()) return directory.status();
  // The record last: while it is there, the rest can be found again.
  for (const char* file : {state::kLauncherLog, state::kLauncherRecord}) {
    if (unlinkat(directory->get(), file, 0) != 0 && errno != ENOENT) {
      return ErrnoStatus(errno, absl::StrCat("remove launchers/", name, "/", file));
    }
  }
  if (unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat("remove launchers/", name));
  }
  return absl::OkStatus();
}

}  // namespace cloister::engine
