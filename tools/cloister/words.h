// Values of the API in the words that tables and `status` show.
#ifndef CLOISTER_TOOLS_CLOISTER_WORDS_H_
#define CLOISTER_TOOLS_CLOISTER_WORDS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "cloister/v1/node_service.pb.h"
#include "cloister/v1/task.pb.h"
#include "tools/cloister/table.h"
#include "tools/cloister/terminal.h"

namespace cloister {

// "running", "exited"; with "?" behind when its node is unreachable and this is only the last known
// state.
Cell StateCell(const v1::Task& task);
Cell NodeStateCell(const v1::Node& node);

// "12s", "3m", "5h", "9d": the largest unit only, for ages. Negative (a clock that was set back) is
// "0s".
std::string AgeInWords(absl::Duration age);
// "0.413 ms", "12.3 ms", "1.52 s": three figures, for durations that were measured.
std::string MeasuredInWords(absl::Duration duration);
// "300 MiB", "1.5 GiB".
std::string BytesInWords(uint64_t bytes);
// Command and arguments as they would be typed; words with special characters in single quotes.
std::string CommandInWords(const v1::ExecConfig& config);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
// Local time to the millisecond; empty for an unset one.
std::string TimeInWords(const google::protobuf::Timestamp& timestamp);

// What fences a task, one aspect a field: ids, capabilities, namespaces, limits, paths.
void AddFence(const v1::Fence& fence, Fields* fields);
// The same in one line: "nobody's uid 65534, no capabilities, ...".
std::string FenceInOneLine(const v1::Fence& fence);
// "1.9 ms (plan 0.1 ms, record 0.2 ms, launch 1.5 ms)".
std::string StartInWords(const v1::StartPhases& phases);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_WORDS_H_
