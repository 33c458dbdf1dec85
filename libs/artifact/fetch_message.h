// The structs of a fetch as messages (proto/cloister/internal/fetch.proto), for the way between
// processes.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCH_MESSAGE_H_
#define CLOISTER_LIBS_ARTIFACT_FETCH_MESSAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/fetch.h"

namespace cloister::artifact {

// Code, words and the mark of IsRetryable; other payloads stay behind.
internal::WireStatus StatusToMessage(const absl::Status& status);
// Whatever it holds: the sender may be in the hands of what it has fetched.
absl::Status StatusFromMessage(const internal::WireStatus& message);

internal::FetchReport ReportToMessage(const FetchReport& report);
FetchReport ReportFromMessage(const internal::FetchReport& message);

internal::FetchValidators ValidatorsToMessage(const Validators& validators);
Validators ValidatorsFromMessage(const internal::FetchValidators& message);

// Everything of it but certificates, descriptors and paths.
internal::FetchRequest RequestToMessage(const FetchRequest& request);
// INVALID_ARGUMENT for a value that an enum has not.
absl::StatusOr<FetchRequest> RequestFromMessage(const internal::FetchRequest& message);

// What a broker may do for its cell.
struct BrokerOrders {
  EgressPolicy policy;
  // For one connection, resolving included.
  absl::Duration connect = absl::Seconds(30);
  // In all; those after them are refused.
  uint32_t connections = 256;
};

internal::BrokerPolicy OrdersToMessage(const BrokerOrders& orders);
absl::StatusOr<BrokerOrders> OrdersFromMessage(const internal::BrokerPolicy& message);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCH_MESSAGE_H_
