// D/dev.json: which processes a private cluster has. JSON, so that a person can read it; DevRecord
// of proto/cloister/internal/dev_record.proto.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_RECORD_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cloister/internal/dev_record.pb.h"
#include "libs/os/pidfd.h"

namespace cloister {

// NOT_FOUND when there is none; DATA_LOSS when it cannot be read as one.
absl::StatusOr<internal::DevRecord> ReadDevRecord(const std::string& path);

// By rename, 0600: a reader sees the old one or the new one.
absl::Status WriteDevRecord(const std::string& path, const internal::DevRecord& record);

// The recorded process of that name, if it still runs: never another one that has its pid by now.
// NOT_FOUND otherwise.
absl::StatusOr<PidFd> OpenDevProcess(const internal::DevRecord& record, absl::string_view name,
                                     absl::string_view boot_id);

// Replaces the entry of that name, or adds it.
void SetDevProcess(absl::string_view name, pid_t pid, uint64_t start_time_ticks,
                   internal::DevRecord* record);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_RECORD_H_
