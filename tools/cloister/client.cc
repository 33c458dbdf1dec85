#include "tools/cloister/client.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"

namespace cloister {
namespace {

constexpr int kPageSize = 1000;
constexpr absl::Duration kDeadline = absl::Seconds(30);
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);
constexpr size_t kTaskIdLength = 26;

void SetDeadline(grpc::ClientContext* context) { rpc::SetDeadline(context, kDeadline); }

// "failed to connect to all addresses; last error: UNKNOWN: unix:/x: Connection refused": the last
// words say it all.
absl::string_view CauseOf(absl::string_view message, absl::string_view address) {
  for (absl::string_view noise :
       {absl::string_view("last error: "), absl::string_view("UNKNOWN: ")}) {
    const size_t at = message.find(noise);
    if (at != absl::string_view::npos) message.remove_prefix(at + noise.size());
  }
  if (absl::ConsumePrefix(&message, address)) absl::ConsumePrefix(&message, ": ");
  return message;
}

// The connection was there and has gone while the server had the call: gRPC's own words, as it has
// no other sign that tells this from a server that cannot be reached.
bool BrokeMidCall(const grpc::Status& answer) {
  return answer.error_code() == grpc::StatusCode::UNAVAILABLE &&
         (absl::StrContains(answer.error_message(), "Socket closed") ||
          absl::StrContains(answer.error_message(), "Connection reset"));
}

// Unavailable is what the cluster has found to be so, after as many tries as the node makes, and
// not the cluster: a server of artifacts.
bool IsAnswer(const absl::Status& status) { return GetReason(status) == "ARTIFACT_FAILED"; }

}  // namespace

Client::Client(std::shared_ptr<grpc::Channel> channel, std::string address)
    : channel_(std::move(channel)),
      address_(std::move(address)),
      tasks_(v1::TaskService::NewStub(channel_)),
      nodes_(v1::NodeService::NewStub(channel_)) {}

absl::Status Client::StatusOf(const grpc::Status& status) {
  absl::Status converted = rpc::FromGrpcStatus(status);
  // Every error of a server of ours has a reason; one without is the transport's.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && GetReason(converted).empty()) {
    return absl::UnavailableError(absl::StrCat("cannot reach a cluster at ", address_, ": ",
                                               CauseOf(converted.message(), address_)));
  }
  reached_ = true;
  return converted;
}

absl::Status Client::Persist(const std::function<grpc::Status()>& attempt, bool is_endless) {
  absl::Duration pause = kFirstPause;
  bool told = false;
  for (;;) {
    const grpc::Status answer = attempt();
    // Before the answer counts as one: a server that says UNAVAILABLE at the first call is not a
    // lost connection.
    const bool worked = reached_ || BrokeMidCall(answer);
    absl::Status status = StatusOf(answer);
    // We set no deadline: the server holds no call for ever, and means us to ask again.
    const bool is_expired = is_endless && absl::IsDeadlineExceeded(status);
    if (!is_expired && (!absl::IsUnavailable(status) || !worked || IsAnswer(status))) return status;
    if (is_expired) {
      absl::SleepFor(kFirstPause);
      continue;
    }
    if (!told && on_lost_ != nullptr) on_lost_(status);
    told = true;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

absl::StatusOr<v1::Task> Client::StartTask(const v1::StartTaskRequest& request) {
  v1::StartTaskResponse response;
  absl::Status status = Persist(
      [&] {
        grpc::ClientContext context;
        SetDeadline(&context);
        return tasks_->StartTask(&context, request, &response);
      },
      /*is_endless=*/false);
  if (!status.ok()) return status;
  return std::move(*response.mutable_task());
}

absl::StatusOr<v1::Task> Client::GetTask(const std::string& task_id) {
  v1::GetTaskRequest request;
  request.set_task_id(task_id);
  v1::GetTaskResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(tasks_->GetTask(&context, request, &response));
  if (!status.ok()) return status;
  return std::move(*response.mutable_task());
}

absl::StatusOr<std::vector<v1::Task>> Client::ListTasks(const v1::ListTasksRequest& filter) {
  std::vector<v1::Task> tasks;
  v1::ListTasksRequest request = filter;
  request.set_page_size(kPageSize);
  do {
    v1::ListTasksResponse response;
    grpc::ClientContext context;
    SetDeadline(&context);
    absl::Status status = StatusOf(tasks_->ListTasks(&context, request, &response));
    if (!status.ok()) return status;
    for (v1::Task& task : *response.mutable_tasks()) tasks.push_back(std::move(task));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return tasks;
}

absl::StatusOr<v1::Task> Client::WaitTask(const std::string& task_id, absl::Time deadline) {
  v1::WaitTaskRequest request;
  request.set_task_id(task_id);
  v1::WaitTaskResponse response;
  absl::Status status = Persist(
      [&] {
        grpc::ClientContext context;
        rpc::SetDeadline(&context, deadline);
        return tasks_->WaitTask(&context, request, &response);
      },
      /*is_endless=*/deadline == absl::InfiniteFuture());
  if (!status.ok()) return status;
  return std::move(*response.mutable_task());
}

absl::StatusOr<v1::Task> Client::StopTask(const v1::StopTaskRequest& request) {
  v1::StopTaskResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(tasks_->StopTask(&context, request, &response));
  if (!status.ok()) return status;
  return std::move(*response.mutable_task());
}

absl::Status Client::SignalTask(const v1::SignalTaskRequest& request) {
  v1::SignalTaskResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  return StatusOf(tasks_->SignalTask(&context, request, &response));
}

absl::Status Client::DestroyTask(const v1::DestroyTaskRequest& request) {
  v1::DestroyTaskResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  return StatusOf(tasks_->DestroyTask(&context, request, &response));
}

absl::StatusOr<v1::ExplainTaskResponse> Client::ExplainTask(const v1::ExplainTaskRequest& request) {
  v1::ExplainTaskResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(tasks_->ExplainTask(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::Status Client::WatchTask(const std::string& task_id,
                               const std::function<bool(const v1::Task&)>& sink) {
  v1::WatchTasksRequest request;
  request.set_task_id(task_id);
  bool wanted = true;
  absl::Status status = Persist(
      [&] {
        grpc::ClientContext context;
        std::unique_ptr<grpc::ClientReader<v1::WatchTasksResponse>> reader =
            tasks_->WatchTasks(&context, request);
        v1::WatchTasksResponse response;
        while (wanted && reader->Read(&response)) {
          reached_ = true;
          if (response.has_task()) wanted = sink(response.task());
        }
        if (!wanted) context.TryCancel();
        const grpc::Status finished = reader->Finish();
        return wanted ? finished : grpc::Status::OK;
      },
      /*is_endless=*/true);
  return status;
}

absl::StatusOr<v1::ListArtifactsResponse> Client::ListArtifacts(
    const v1::ListArtifactsRequest& request) {
  v1::ListArtifactsResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(tasks_->ListArtifacts(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::FetchArtifactResponse> Client::FetchArtifact(
    const v1::FetchArtifactRequest& request) {
  v1::FetchArtifactResponse response;
  grpc::ClientContext context;
  absl::Status status = StatusOf(tasks_->FetchArtifact(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::PruneArtifactsResponse> Client::PruneArtifacts(
    const v1::PruneArtifactsRequest& request) {
  v1::PruneArtifactsResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(tasks_->PruneArtifacts(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::Node> Client::GetNode(const std::string& node_id) {
  v1::GetNodeRequest request;
  request.set_node_id(node_id);
  v1::GetNodeResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  absl::Status status = StatusOf(nodes_->GetNode(&context, request, &response));
  if (!status.ok()) return status;
  return std::move(*response.mutable_node());
}

absl::StatusOr<std::vector<v1::Node>> Client::ListNodes() {
  std::vector<v1::Node> nodes;
  v1::ListNodesRequest request;
  request.set_page_size(kPageSize);
  do {
    v1::ListNodesResponse response;
    grpc::ClientContext context;
    SetDeadline(&context);
    absl::Status status = StatusOf(nodes_->ListNodes(&context, request, &response));
    if (!status.ok()) return status;
    for (v1::Node& node : *response.mutable_nodes()) nodes.push_back(std::move(node));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return nodes;
}

absl::Status Client::ReadLogs(v1::ReadLogsRequest request,
                              const std::function<absl::Status(absl::string_view)>& sink) {
  absl::Status of_sink;
  absl::Status status = Persist(
      [&] {
        grpc::ClientContext context;
        std::unique_ptr<grpc::ClientReader<v1::ReadLogsResponse>> reader =
            tasks_->ReadLogs(&context, request);
        v1::ReadLogsResponse response;
        while (reader->Read(&response)) {
          reached_ = true;
          of_sink = sink(response.data());
          if (!of_sink.ok()) {
            context.TryCancel();
            break;
          }
          // Where a connection that breaks now goes on.
          request.set_offset(response.offset() + response.data().size());
        }
        return reader->Finish();
      },
      /*is_endless=*/true);
  return of_sink.ok() ? status : of_sink;
}

absl::Status Client::ListFiles(
    v1::ListFilesRequest request,
    const std::function<absl::Status(const v1::ListFilesResponse&)>& sink) {
  request.set_page_size(kPageSize);
  do {
    v1::ListFilesResponse response;
    grpc::ClientContext context;
    SetDeadline(&context);
    absl::Status status = StatusOf(tasks_->ListFiles(&context, request, &response));
    if (status.ok()) status = sink(response);
    if (!status.ok()) return status;
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status Client::ReadFile(const v1::ReadFileRequest& request,
                              const std::function<absl::Status(absl::string_view)>& sink) {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::ReadFileResponse>> reader =
      tasks_->ReadFile(&context, request);
  absl::Status of_sink;
  v1::ReadFileResponse response;
  while (of_sink.ok() && reader->Read(&response)) of_sink = sink(response.data());
  if (!of_sink.ok()) context.TryCancel();
  const absl::Status status = StatusOf(reader->Finish());
  return of_sink.ok() ? status : of_sink;
}

absl::StatusOr<v1::FileInfo> Client::PutFile(
    const v1::PutFileRequest::Header& header,
    const std::function<absl::Status(std::string*)>& source) {
  v1::PutFileResponse response;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientWriter<v1::PutFileRequest>> writer =
      tasks_->PutFile(&context, &response);
  v1::PutFileRequest message;
  *message.mutable_header() = header;
  bool taken = writer->Write(message);
  absl::Status of_source;
  uint64_t total = 0;
  while (taken) {
    of_source = source(message.mutable_data());
    if (!of_source.ok()) break;
    if (message.data().empty()) {
      message.mutable_commit()->set_size(total);
      writer->Write(message);
      break;
    }
    total += message.data().size();
    taken = writer->Write(message);
  }
  if (!of_source.ok()) context.TryCancel();
  writer->WritesDone();
  const absl::Status status = StatusOf(writer->Finish());
  if (!of_source.ok()) return of_source;
  if (!status.ok()) return status;
  return std::move(*response.mutable_file());
}

absl::StatusOr<std::string> Client::ResolveTask(const std::string& word) {
  if (word.empty()) return absl::InvalidArgumentError("a task id is not empty");
  if (IsTaskId(word)) return word;
  absl::StatusOr<std::vector<v1::Task>> tasks = ListTasks({});
  if (!tasks.ok()) return tasks.status();
  std::vector<std::string> matches;
  for (const v1::Task& task : *tasks) {
    if (absl::StartsWith(task.id(), word) || task.config().name() == word)
      matches.push_back(task.id());
  }
  if (matches.empty()) {
    return WithReason(absl::NotFoundError(absl::StrCat(
                          "no task has an id that begins with, or the name, '", word, "'")),
                      "TASK_UNKNOWN");
  }
  if (matches.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", word, "' means ", matches.size(),
                                                   " tasks: ", absl::StrJoin(matches, ", ")));
  }
  return matches[0];
}

bool IsTaskId(absl::string_view word) {
  return word.size() == kTaskIdLength && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
         });
}

}  // namespace cloister
