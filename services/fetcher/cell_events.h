// What a cell says to its executor.
#ifndef CLOISTER_SERVICES_FETCHER_CELL_EVENTS_H_
#define CLOISTER_SERVICES_FETCHER_CELL_EVENTS_H_

#include "absl/status/statusor.h"
#include "libs/artifact/fetch.h"

namespace cloister::fetcher {

// Passes on what a fetch says as it goes.
class TellingObserver : public artifact::FetchObserver {
 public:
  void OnPhase(Phase phase) override;
  void OnProgress(int64_t bytes, int64_t total) override;
  void OnValidators(const artifact::Validators& validators) override;
};

// The last word; the cell's exit code.
int TellDone(const absl::StatusOr<artifact::FetchReport>& report);

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CELL_EVENTS_H_
