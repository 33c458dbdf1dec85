#include "services/frontend/frontend_error.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/rpc/error_details.h"

namespace cloister::frontend {
namespace {

// A node that tells what it has needs milliseconds; one that lost its connection tries again within
// a second.
constexpr absl::Duration kRetrySync = absl::Milliseconds(50);
constexpr absl::Duration kRetryNode = absl::Seconds(1);

absl::Status Retryable(absl::Status status, absl::Duration delay) {
  return rpc::WithRetryDelay(std::move(status), delay);
}

}  // namespace

absl::Status TaskUnknown(absl::string_view task_id) {
  return rpc::WithResource(
      WithReason(absl::NotFoundError(absl::StrCat("no task '", task_id, "' on any node")),
                 "TASK_UNKNOWN", {{"task_id", std::string(task_id)}}),
      "task", task_id);
}

absl::Status NodeUnknown(absl::string_view node_id) {
  return rpc::WithResource(WithReason(absl::NotFoundError(absl::StrCat(
                                          "no node '", node_id, "' has joined this frontend")),
                                      "NODE_UNKNOWN", {{"node_id", std::string(node_id)}}),
                           "node", node_id);
}

absl::Status NodeUnreachable(absl::string_view node_id, absl::string_view why) {
  return Retryable(WithReason(absl::UnavailableError(
                                  absl::StrCat("node '", node_id, "' cannot be reached: ", why)),
                              "NODE_UNREACHABLE", {{"node_id", std::string(node_id)}}),
                   kRetryNode);
}

absl::Status NoNodes() {
  return Retryable(
      WithReason(absl::UnavailableError("no node can be reached: none has joined this frontend, "
                                        "or all have lost it"),
                 "NO_NODES"),
      kRetryNode);
}

absl::Status NodeSyncing(absl::string_view node_id) {
  return Retryable(WithReason(absl::UnavailableError(absl::StrCat(
                                  "node '", node_id, "' has not yet told which tasks it has")),
                              "NODE_SYNCING", {{"node_id", std::string(node_id)}}),
                   kRetrySync);
}

absl::Status NoNodeWithRoom(size_t ready_nodes, int64_t memory_mib) {
  return Retryable(
      WithReason(absl::ResourceExhaustedError(absl::StrCat("none of ", ready_nodes,
                                                           " ready nodes has room for one more "
                                                           "task with ",
                                                           memory_mib, " MiB of memory")),
                 "NO_NODE_WITH_ROOM", {{"memory_mib", absl::StrCat(memory_mib)}}),
      kRetryNode);
}

absl::Status StartedElsewhere(absl::string_view task_id, absl::string_view holder,
                              absl::string_view asked) {
  return WithReason(
      absl::AlreadyExistsError(absl::StrCat("this request_id has started task '", task_id,
                                            "' on node '", holder, "', not on '", asked, "'")),
      "REQUEST_ID_REUSED", {{"task_id", std::string(task_id)}, {"node_id", std::string(holder)}});
}

absl::Status NodeIdInUse(absl::string_view node_id) {
  return rpc::WithResource(
      WithReason(absl::AlreadyExistsError(absl::StrCat("node id '", node_id,
                                                       "' is in use: another executor's session "
                                                       "with it is alive")),
                 "NODE_ID_IN_USE", {{"node_id", std::string(node_id)}}),
      "node", node_id);
}

absl::Status WatchOverflow() {
  return Retryable(
      WithReason(absl::ResourceExhaustedError("events came faster than they were read: watch anew"),
                 "WATCH_OVERFLOW"),
      kRetrySync);
}

absl::Status BadField(absl::string_view field, absl::string_view description) {
  return InvalidArgument({{std::string(field), std::string(description)}});
}

}  // namespace cloister::frontend
