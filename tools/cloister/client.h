// The cluster (or one executor) as the command line talks to it: typed calls that give
// absl::Status, lists of all pages, and calls that outlive a broken connection.
#ifndef CLOISTER_TOOLS_CLOISTER_CLIENT_H_
#define CLOISTER_TOOLS_CLOISTER_CLIENT_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"

namespace cloister {

// Thread-safe. Calls that answer at once have a deadline of 30 s.
class Client {
 public:
  // `address` is for error messages.
  Client(std::shared_ptr<grpc::Channel> channel, std::string address);

  // Called, from whatever thread makes the call, when a connection that worked is lost and tried
  // again. Set before the first call.
  void OnLost(std::function<void(const absl::Status&)> on_lost) { on_lost_ = std::move(on_lost); }

  // Started once however often it is sent: a connection that breaks after it worked is tried again
  // with the same request.
  absl::StatusOr<v1::Task> StartTask(const v1::StartTaskRequest& request);
  absl::StatusOr<v1::Task> GetTask(const std::string& task_id);
  // All pages, ordered by id.
  absl::StatusOr<std::vector<v1::Task>> ListTasks(const v1::ListTasksRequest& filter);
  // Waits as long as it takes, over lost connections; with a deadline, until then.
  absl::StatusOr<v1::Task> WaitTask(const std::string& task_id,
                                    absl::Time deadline = absl::InfiniteFuture());
  absl::StatusOr<v1::Task> StopTask(const v1::StopTaskRequest& request);
  absl::Status SignalTask(const v1::SignalTaskRequest& request);
  absl::Status DestroyTask(const v1::DestroyTaskRequest& request);
  absl::StatusOr<v1::ExplainTaskResponse> ExplainTask(const v1::ExplainTaskRequest& request);
  // What happens to one task from now on, its state first; over lost connections, then with its
  // state again. False of the sink ends it.
  absl::Status WatchTask(const std::string& task_id,
                         const std::function<bool(const v1::Task&)>& sink);
  absl::StatusOr<v1::ListArtifactsResponse> ListArtifacts(const v1::ListArtifactsRequest& request);
  // Takes as long as the fetch does.
  absl::StatusOr<v1::FetchArtifactResponse> FetchArtifact(const v1::FetchArtifactRequest& request);
  absl::StatusOr<v1::PruneArtifactsResponse> PruneArtifacts(
      const v1::PruneArtifactsRequest& request);
  absl::StatusOr<v1::Node> GetNode(const std::string& node_id);
  absl::StatusOr<std::vector<v1::Node>> ListNodes();

  // Hands the output to `sink` from request.offset on, each byte once, over lost connections (by
  // offset). An error of the sink ends it and is returned.
  absl::Status ReadLogs(v1::ReadLogsRequest request,
                        const std::function<absl::Status(absl::string_view)>& sink);

  // Page by page, as the sink takes them. An error of the sink ends it and is returned.
  absl::Status ListFiles(v1::ListFilesRequest request,
                         const std::function<absl::Status(const v1::ListFilesResponse&)>& sink);
  // Once, from beginning to end; an error of the sink ends it and is returned.
  absl::Status ReadFile(const v1::ReadFileRequest& request,
                        const std::function<absl::Status(absl::string_view)>& sink);
  // `source` gives at most 1 MiB a time and nothing at the end; an error of it ends the call, and
  // nothing is changed.
  absl::StatusOr<v1::FileInfo> PutFile(const v1::PutFileRequest::Header& header,
                                       const std::function<absl::Status(std::string*)>& source);

  // A full task id as it is; else the one task whose id begins with `word` or whose name it is.
  // NOT_FOUND or INVALID_ARGUMENT (more than one) otherwise.
  absl::StatusOr<std::string> ResolveTask(const std::string& word);

 private:
  absl::Status StatusOf(const grpc::Status& status);
  absl::Status Persist(const std::function<grpc::Status()>& attempt, bool is_endless);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string address_;
  const std::unique_ptr<v1::TaskService::Stub> tasks_;
  const std::unique_ptr<v1::NodeService::Stub> nodes_;
  std::function<void(const absl::Status&)> on_lost_;
  // Something answered once: from then on, a connection that fails is a lost one and not a wrong
  // address.
  std::atomic<bool> reached_{false};
};

// Whether `word` has the form of a task id: 26 characters a-z, 2-7.
bool IsTaskId(absl::string_view word);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_CLIENT_H_
