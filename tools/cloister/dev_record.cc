#include "tools/cloister/dev_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, path);
    if (size == 0) return text;
    text.append(buffer, static_cast<size_t>(size));
    if (text.size() > kMaxBytes)
      return absl::DataLossError(absl::StrCat(path, ": over ", kMaxBytes, " bytes"));
  }
}

}  // namespace

absl::StatusOr<internal::DevRecord> ReadDevRecord(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  internal::DevRecord record;
  const auto status = google::protobuf::util::JsonStringToMessage(*text, &record, options);
  if (!status.ok())
    return absl::DataLossError(absl::StrCat(path, ": ", status.message().ToString()));
  return record;
}

absl::Status WriteDevRecord(const std::string& path, const internal::DevRecord& record) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(record, &text, options);
  if (!status.ok())
    return absl::InternalError(absl::StrCat(path, ": ", status.message().ToString()));
  const std::string written = absl::StrCat(path, ".tmp");
  absl::Cleanup remove = [&] { unlink(written.c_str()); };
  OwnedFd fd(open(written.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, written);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return ErrnoStatus(errno, written);
  if (rename(written.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  std::move(remove).Cancel();
  return absl::OkStatus();
}

absl::StatusOr<PidFd> OpenDevProcess(const internal::DevRecord& record, absl::string_view name,
                                     absl::string_view boot_id) {
  for (const internal::DevProcess& process : record.processes()) {
    if (process.name() != name || process.pid() == 0 || record.boot_id() != boot_id) continue;
    absl::StatusOr<PidFd> pidfd = PidFd::OpenRecorded(process.pid(), process.start_time_ticks());
    if (!pidfd.ok()) return pidfd;
    if (pidfd->HasEnded()) return absl::NotFoundError(absl::StrCat(name, " has ended"));
    return pidfd;
  }
  return absl::NotFoundError(absl::StrCat(name, " is not recorded as running"));
}

void SetDevProcess(absl::string_view name, pid_t pid, uint64_t start_time_ticks,
                   internal::DevRecord* record) {
  internal::DevProcess* entry = nullptr;
  for (internal::DevProcess& process : *record->mutable_processes()) {
    if (process.name() == name) entry = &process;
  }
  if (entry == nullptr) entry = record->add_processes();
  entry->set_name(std::string(name));
  entry->set_pid(pid);
  entry->set_start_time_ticks(start_time_ticks);
}

}  // namespace cloister
