#include "libs/engine/task_joiner.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/task_machine.h"
#include "libs/files/file_error.h"
#include "libs/files/joiner_message.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"

namespace cloister::engine {
namespace {

absl::Status Unavailable(const std::string& task_id, absl::string_view why) {
  return EngineError(absl::StatusCode::kUnavailable, files::kJoinerEnded,
                     absl::StrCat("files of task '", task_id, "': ", why), {{"task_id", task_id}});
}

}  // namespace

class TaskJoiner::Place {
 public:
  Place(std::shared_ptr<Counts> counts, std::string task_id)
      : counts_(std::move(counts)), task_id_(std::move(task_id)) {}
  ~Place() {
    absl::MutexLock lock(&counts_->mutex);
    --counts_->all;
    auto found = counts_->of_task.find(task_id_);
    if (--found->second == 0) counts_->of_task.erase(found);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  const std::shared_ptr<Counts> counts_;
  const std::string task_id_;
};

TaskJoiner::TaskJoiner(JoinLimits limits, const TaskTable* table, LauncherPool* pool,
                       const TaskFiles* files)
    : limits_(limits), table_(table), pool_(pool), files_(files) {}

absl::StatusOr<std::shared_ptr<const void>> TaskJoiner::TakePlace(
    const std::string& task_id) const {
  absl::MutexLock lock(&counts_->mutex);
  const auto found = counts_->of_task.find(task_id);
  const int of_task = found == counts_->of_task.end() ? 0 : found->second;
  if (of_task >= limits_.per_task || counts_->all >= limits_.per_node) {
    const std::string words = of_task >= limits_.per_task
                                  ? absl::StrCat("task '", task_id, "' has ", of_task)
                                  : absl::StrCat("this node has ", counts_->all);
    return EngineError(absl::StatusCode::kResourceExhausted, files::kTooManyFileCalls,
                       absl::StrCat(words, " calls on files at once: wait for one to end"),
                       {{"task_id", task_id}});
  }
  ++counts_->of_task[task_id];
  ++counts_->all;
  return std::shared_ptr<const void>(std::make_shared<Place>(counts_, task_id));
}

absl::StatusOr<JoinedTask> TaskJoiner::Join(const std::string& task_id, absl::Duration time) {
  CLOISTER_ASSIGN_OR_RETURN(const TaskRecord record, table_->Find(task_id));
  const bool live = record.phase == TaskPhase::kRunning || record.phase == TaskPhase::kStopping;
  if (!live && !HasEnded(record.phase)) {
    return EngineError(
        absl::StatusCode::kFailedPrecondition, kTaskNotRunning,
        absl::StrCat("task '", task_id, "' has no files yet: it is ", Name(record.phase)),
        {{"task_id", task_id}});
  }
  JoinedTask joined;
  CLOISTER_ASSIGN_OR_RETURN(joined.place, TakePlace(task_id));
  // Of the record, as its plan is not kept in memory.
  const TaskRecords records = files_->Read(task_id);
  CLOISTER_RETURN_IF_ERROR(records.intent.status());
  internal::Join join;
  join.set_task_id(task_id);
  *join.mutable_identity() = records.intent->plan().identity();
  join.set_time_ms(absl::ToInt64Milliseconds(time));
  join.set_ended(!live);
  CLOISTER_ASSIGN_OR_RETURN(auto pair, MakeSeqpacketPair());
  const int flags = fcntl(pair.first.get(), F_GETFL);
  if (flags < 0 || fcntl(pair.first.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "joiner's socket");
  }
  CLOISTER_RETURN_IF_ERROR(live ? JoinLive(record, std::move(join), pair.second.get())
                                : JoinEnded(record, std::move(join), pair.second.get()));
  joined.socket = std::move(pair.first);
  return joined;
}

absl::Status TaskJoiner::JoinLive(const TaskRecord& record, internal::Join join, int socket) const {
  const std::shared_ptr<LauncherClient> client = pool_->Find(record.launcher);
  if (client == nullptr) return Unavailable(join.task_id(), "its launcher is gone");
  return client->Join(join, {socket});
}

absl::Status TaskJoiner::JoinEnded(const TaskRecord& record, internal::Join join,
                                   int socket) const {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd directory, files_->OpenDirectory(join.task_id()));
  std::vector<OwnedFd> owned;
  std::vector<int> fds = {socket, directory.get()};
  for (int i = 0; i < files::kRemainingDirectories; ++i) {
    absl::StatusOr<OwnedFd> own = OpenBeneath(directory.get(), files::kOwnDirectoryNames[i],
                                              O_PATH | O_DIRECTORY | O_NOFOLLOW);
    // Not every task had each of them.
    if (absl::IsNotFound(own.status())) continue;
    CLOISTER_RETURN_IF_ERROR(own.status());
    join.add_directories(files::kOwnDirectoryNames[i]);
    fds.push_back(own->get());
    owned.push_back(*std::move(own));
  }
  if (const std::shared_ptr<LauncherClient> client = pool_->Find(record.launcher)) {
    return client->Join(join, fds);
  }
  // Any will do. It is no task of that launcher's; the joiner holds it until it ends.
  CLOISTER_ASSIGN_OR_RETURN(const std::shared_ptr<LauncherClient> client, pool_->Take());
  const absl::Status sent = client->Join(join, fds);
  pool_->Release(client->name());
  return sent;
}

}  // namespace cloister::engine
