// GoogleMock matchers for absl::Status and absl::StatusOr. Our Abseil is older than its own.

#ifndef CLOISTER_LIBS_BASE_STATUS_MATCHERS_H_
#define CLOISTER_LIBS_BASE_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cloister {

namespace status_matchers_internal {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

}  // namespace status_matchers_internal

// Matches an absl::Status or absl::StatusOr<T> that is OK.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << status_matchers_internal::StatusOf(arg);
  return arg.ok();
}

// Matches an absl::Status or absl::StatusOr<T> with this code: absl::StatusCode, or a matcher of
// it.
MATCHER_P(StatusIs, code, "has the code " + ::testing::PrintToString(code)) {
  const absl::Status& status = status_matchers_internal::StatusOf(arg);
  *result_listener << "which is " << status;
  return ::testing::Matches(code)(status.code());
}

// The same, with a message: a string (all of it), or a matcher such as HasSubstr.
MATCHER_P2(StatusIs, code, message,
           "has the code " + ::testing::PrintToString(code) + " and the message") {
  const absl::Status& status = status_matchers_internal::StatusOf(arg);
  *result_listener << "which is " << status;
  return ::testing::Matches(code)(status.code()) &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

// Matches an absl::StatusOr<T> that holds a value which `value` (a value, or a matcher) matches.
MATCHER_P(IsOkAndHolds, value, "is OK and holds the value") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status();
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_STATUS_MATCHERS_H_
