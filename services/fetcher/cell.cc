#include "services/fetcher/cell.h"

#include "absl/status/statusor.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/artifact/hg_program.h"
#include "services/fetcher/broker_connector.h"
#include "services/fetcher/cell_events.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {

int RunCell() {
  absl::StatusOr<artifact::ReceivedRequest> received = artifact::ReceiveRequest(kExecutorFd);
  if (!received.ok()) return TellDone(received.status());
  received->request.output_path = kOutputPath;
  // Only where the cell is one that runs programs is there any.
  received->request.hg_program = artifact::FindHgProgram();
  BrokerConnector connector(kPeerFd);
  TellingObserver observer;
  return TellDone(artifact::Fetch(received->request, kOutputFd, connector, observer));
}

}  // namespace cloister::fetcher
