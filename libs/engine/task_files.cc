#include "libs/engine/task_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"
#include "libs/state/task_directory.h"

namespace cloister::engine {
namespace {

template <typename Record>
absl::StatusOr<Record> ReadProto(int directory, const char* name) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string bytes, state::ReadRecord(directory, name));
  Record record;
  if (!record.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("record ", name, " is no ", record.GetTypeName()));
  }
  return record;
}

// A shortage says nothing of what is there: it goes to `shortage`.
template <typename Record>
absl::optional<Record> ReadIfThere(int directory, const char* name, absl::Status* shortage) {
  absl::StatusOr<Record> record = ReadProto<Record>(directory, name);
  if (IsShortage(record.status())) *shortage = record.status();
  if (!record.ok()) return absl::nullopt;
  return *std::move(record);
}

absl::Status WriteIntent(int directory, const internal::IntentRecord& intent) {
  return state::WriteRecord(directory, state::kIntentRecord, intent.SerializeAsString());
}

}  // namespace

TaskFiles::TaskFiles(OwnedFd tasks) : tasks_(std::move(tasks)) {}

absl::StatusOr<OwnedFd> TaskFiles::Create(const internal::IntentRecord& intent) const {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory,
                            state::CreateTaskDirectory(tasks_.get(), intent.task_id()));
  const absl::Status written = WriteIntent(directory.get(), intent);
  if (written.ok()) return directory;
  // What stays is a directory without an intent: the next start of the executor removes it.
  Remove(intent.task_id()).status().IgnoreError();
  return written;
}

absl::Status TaskFiles::Rewrite(const internal::IntentRecord& intent) const {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory,
                            state::OpenTaskDirectory(tasks_.get(), intent.task_id()));
  return WriteIntent(directory.get(), intent);
}

absl::Status TaskFiles::MarkDestroying(const std::string& task_id) const {
  absl::StatusOr<OwnedFd> directory = state::OpenTaskDirectory(tasks_.get(), task_id);
  if (absl::IsNotFound(directory.status())) return absl::OkStatus();
  if (!directory.ok()) return directory.status();
  absl::StatusOr<internal::IntentRecord> intent =
      ReadProto<internal::IntentRecord>(directory->get(), state::kIntentRecord);
  // Without a readable intent a restart removes it, or shows it as lost; nothing can be noted.
  if (!intent.ok() || intent->destroying()) return absl::OkStatus();
  intent->set_destroying(true);
  return WriteIntent(directory->get(), *intent);
}

TaskRecords TaskFiles::Read(const std::string& task_id) const {
  TaskRecords records;
  absl::StatusOr<OwnedFd> directory = state::OpenTaskDirectory(tasks_.get(), task_id);
  if (!directory.ok()) {
    records.intent = directory.status();
    return records;
  }
  records.intent = ReadProto<internal::IntentRecord>(directory->get(), state::kIntentRecord);
  absl::Status shortage;
  records.launch =
      ReadIfThere<internal::LaunchRecord>(directory->get(), state::kLaunchRecord, &shortage);
  if (auto process =
          ReadIfThere<internal::LaunchRecord>(directory->get(), state::kProcessRecord, &shortage)) {
    if (!records.launch.has_value()) records.launch.emplace();
    records.launch->MergeFrom(*process);
  }
  records.exit = ReadIfThere<internal::ExitRecord>(directory->get(), state::kExitRecord, &shortage);
  if (!shortage.ok()) records.intent = shortage;
  return records;
}

absl::StatusOr<std::vector<std::string>> TaskFiles::List() const {
  CLOISTER_ASSIGN_OR_RETURN(std::vector<std::string> names,
                            state::ListTaskDirectories(tasks_.get()));
  names.erase(std::remove_if(names.begin(), names.end(),
                             [](const std::string& name) {
                               return absl::EndsWith(name, state::kRemovedSuffix);
                             }),
              names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> TaskFiles::ListUnfinishedRemovals() const {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            state::ListTaskDirectories(tasks_.get()));
  std::vector<std::string> ids;
  for (absl::string_view name : names) {
    if (absl::ConsumeSuffix(&name, state::kRemovedSuffix)) ids.emplace_back(name);
  }
  return ids;
}

absl::StatusOr<OwnedFd> TaskFiles::OpenDirectory(const std::string& task_id) const {
  return OpenBeneath(tasks_.get(), task_id, O_PATH | O_DIRECTORY);
}

absl::StatusOr<OwnedFd> TaskFiles::OpenOutput(const std::string& task_id,
                                              OutputStream stream) const {
  return OpenBeneath(
      tasks_.get(),
      absl::StrCat(task_id, "/", state::kLogsDirectory, "/",
                   stream == OutputStream::kStdout ? state::kStdoutLog : state::kStderrLog),
      O_RDONLY | O_NONBLOCK);
}

// 0, or the errno. ENOENT: there is no such task, or it was renamed by an attempt that went no
// further.
int TaskFiles::MarkRemoved(const std::string& task_id) const {
  const std::string removed = absl::StrCat(task_id, state::kRemovedSuffix);
  return renameat2(tasks_.get(), task_id.c_str(), tasks_.get(), removed.c_str(),
                   RENAME_NOREPLACE) == 0
             ? 0
             : errno;
}

absl::StatusOr<state::Removal> TaskFiles::Remove(const std::string& task_id) const {
  const std::string removed = absl::StrCat(task_id, state::kRemovedSuffix);
  int error = MarkRemoved(task_id);
  if (error == EEXIST) {
    // What an earlier attempt could not remove is in the way.
    CLOISTER_ASSIGN_OR_RETURN(const state::Removal earlier,
                              state::RemoveTaskDirectory(tasks_.get(), removed));
    if (earlier == state::Removal::kUnfinished) return earlier;
    error = MarkRemoved(task_id);
  }
  if (error != 0 && error != ENOENT) {
    return ErrnoStatus(error, absl::StrCat("remove task '", task_id, "'"));
  }
  return state::RemoveTaskDirectory(tasks_.get(), removed);
}

}  // namespace cloister::engine
