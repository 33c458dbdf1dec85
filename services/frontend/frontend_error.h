// The frontend's own errors, with the reasons that programs branch on (docs/errors.md). What a node
// answers is passed on as it came.
#ifndef CLOISTER_SERVICES_FRONTEND_FRONTEND_ERROR_H_
#define CLOISTER_SERVICES_FRONTEND_FRONTEND_ERROR_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::frontend {

// NOT_FOUND, TASK_UNKNOWN: no node has it.
absl::Status TaskUnknown(absl::string_view task_id);
// NOT_FOUND, NODE_UNKNOWN: it has not joined this frontend.
absl::Status NodeUnknown(absl::string_view node_id);
// UNAVAILABLE, NODE_UNREACHABLE: try again.
absl::Status NodeUnreachable(absl::string_view node_id, absl::string_view why);
// UNAVAILABLE, NO_NODES: none can be reached.
absl::Status NoNodes();
// UNAVAILABLE, NODE_SYNCING: a node has joined and has not yet told what it has.
absl::Status NodeSyncing(absl::string_view node_id);
// RESOURCE_EXHAUSTED, NO_NODE_WITH_ROOM.
absl::Status NoNodeWithRoom(size_t ready_nodes, int64_t memory_mib);
// ALREADY_EXISTS, REQUEST_ID_REUSED: the request_id has a task on `holder`, another node is asked.
absl::Status StartedElsewhere(absl::string_view task_id, absl::string_view holder,
                              absl::string_view asked);
// ALREADY_EXISTS, NODE_ID_IN_USE.
absl::Status NodeIdInUse(absl::string_view node_id);
// RESOURCE_EXHAUSTED, WATCH_OVERFLOW: the reader fell behind; watch anew.
absl::Status WatchOverflow();
// INVALID_ARGUMENT of one field.
absl::Status BadField(absl::string_view field, absl::string_view description);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FRONTEND_ERROR_H_
