// How a fetch ended, as a Status: decided from what its cell has said, how it died, and what the
// kernel counted. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCH_OUTCOME_H_
#define CLOISTER_LIBS_ARTIFACT_FETCH_OUTCOME_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/fetch.h"

namespace cloister::artifact {

struct FetchEnd {
  // By whom asked for it; counts before all else.
  bool cancelled = false;
  // Why it was ended because of what it has made; else OK.
  absl::Status over;
  // The zygote died, and the cell with it.
  bool fetcher_died = false;
  absl::optional<internal::ConfineFailed> cell_failed;
  absl::optional<internal::ConfineFailed> broker_failed;
  absl::optional<internal::FetchDone> done;
  internal::FetchEnded ended;
  // Of the cgroup.
  uint64_t oom_kills = 0;
  // For the sentences.
  absl::Duration time_limit;
  uint64_t memory_limit = 0;
};

//   CANCELLED
//   DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED  the limit by its name
//   UNAVAILABLE, IsRetryable               the fetcher died, or the machine was short of something
//   INTERNAL                               the cell crashed: what it was given made it do so
// or what Fetch returned.
absl::StatusOr<FetchReport> OutcomeOf(const FetchEnd& end);

// "CONFINE_STEP_ROOT" is "root".
std::string ConfineStepWords(internal::ConfineStep step);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCH_OUTCOME_H_
