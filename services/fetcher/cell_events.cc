#include "services/fetcher/cell_events.h"

#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/fetch_message.h"
#include "libs/os/seqpacket.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {
namespace {

// An executor that has gone takes the cell with it: nothing to be done about what cannot be sent.
void Tell(const internal::CellEvent& event) {
  SendPacket(kExecutorFd, event.SerializeAsString()).IgnoreError();
}

}  // namespace

void TellingObserver::OnPhase(Phase phase) {
  internal::CellEvent event;
  event.mutable_phase()->set_phase(static_cast<int>(phase));
  Tell(event);
}

void TellingObserver::OnProgress(int64_t bytes, int64_t total) {
  internal::CellEvent event;
  event.mutable_progress()->set_bytes(bytes);
  event.mutable_progress()->set_total(total);
  Tell(event);
}

void TellingObserver::OnValidators(const artifact::Validators& validators) {
  internal::CellEvent event;
  *event.mutable_validators() = artifact::ValidatorsToMessage(validators);
  Tell(event);
}

int TellDone(const absl::StatusOr<artifact::FetchReport>& report) {
  internal::CellEvent event;
  *event.mutable_done()->mutable_status() = artifact::StatusToMessage(report.status());
  if (report.ok()) *event.mutable_done()->mutable_report() = artifact::ReportToMessage(*report);
  return SendPacket(kExecutorFd, event.SerializeAsString()).ok() ? 0 : 1;
}

}  // namespace cloister::fetcher
