#include "libs/rpc/status_conversion.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/error_details.h"

namespace cloister::rpc {
namespace {

using ::testing::ElementsAreArray;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

// The one detail of this type; a test failure if there is none or more than one.
template <typename Message>
Message Detail(const grpc::Status& status) {
  Message message;
  int found = 0;
  const google::rpc::Status details = Details(status);
  for (const google::protobuf::Any& any : details.details()) {
    if (!any.Is<Message>()) continue;
    EXPECT_TRUE(any.UnpackTo(&message));
    ++found;
  }
  EXPECT_EQ(found, 1);
  return message;
}

std::vector<FieldViolation> ManyViolations(int count) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < count; ++i) {
    violations.push_back({absl::StrCat("config.args[", i, "]"), std::string(100, 'x')});
  }
  return violations;
}

// As gRPC sends it: percent-encoded message, base64 details.
size_t WorstTrailerBytes(const grpc::Status& status) {
  return status.error_message().size() * 3 + (status.error_details().size() + 2) / 3 * 4;
}

TEST(ToGrpcStatus, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(ToGrpcStatus, EveryCodeKeepsItsNumber) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(code), "why"));
    EXPECT_EQ(status.error_code(), code);
    EXPECT_EQ(status.error_message(), "why");
    EXPECT_EQ(Details(status).code(), code);
    EXPECT_EQ(Details(status).message(), "why");
  }
}

TEST(ToGrpcStatus, ReasonGoesOutAsErrorInfo) {
  const auto info = Detail<google::rpc::ErrorInfo>(
      ToGrpcStatus(WithReason(absl::NotFoundError("x"), "TASK_NOT_FOUND", {{"task_id", "q7"}})));
  EXPECT_EQ(info.reason(), "TASK_NOT_FOUND");
  EXPECT_EQ(info.domain(), "cloister");
  EXPECT_THAT(info.metadata(), UnorderedElementsAre(Pair("task_id", "q7")));
}

TEST(ToGrpcStatus, AnErrorWithoutReasonHasItsCodeForOne) {
  const auto info =
      Detail<google::rpc::ErrorInfo>(ToGrpcStatus(absl::FailedPreconditionError("x")));
  EXPECT_EQ(info.reason(), "FAILED_PRECONDITION");
  EXPECT_EQ(info.domain(), "cloister");
}

TEST(ToGrpcStatus, AllViolationsGoOutAsBadRequest) {
  const grpc::Status status = ToGrpcStatus(InvalidArgument({{"a", "is empty"}, {"b", "is 0"}}));
  const auto request = Detail<google::rpc::BadRequest>(status);
  ASSERT_EQ(request.field_violations_size(), 2);
  EXPECT_EQ(request.field_violations(0).field(), "a");
  EXPECT_EQ(request.field_violations(0).description(), "is empty");
  EXPECT_EQ(request.field_violations(1).field(), "b");
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(status).reason(), "INVALID_FIELDS");
}

TEST(ToGrpcStatus, FurtherDetailsGoOut) {
  absl::Status status = WithRetryDelay(absl::UnavailableError("x"), absl::Seconds(2));
  status = WithResource(std::move(status), "node", "n1");
  status = WithPreconditionViolations(std::move(status), {{"NODE", "node/n1", "must be up"}});
  const grpc::Status out = ToGrpcStatus(status);
  EXPECT_EQ(Detail<google::rpc::RetryInfo>(out).retry_delay().seconds(), 2);
  EXPECT_EQ(Detail<google::rpc::ResourceInfo>(out).resource_name(), "n1");
  EXPECT_EQ(Detail<google::rpc::PreconditionFailure>(out).violations(0).type(), "NODE");
}

TEST(ToGrpcStatus, OtherPayloadsStayInside) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload("cloister/where", absl::Cord("secret"));
  EXPECT_EQ(Details(ToGrpcStatus(status)).details_size(), 1);
}

TEST(ToGrpcStatus, ALongMessageIsCut) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError(std::string(100000, 'x')));
  EXPECT_EQ(status.error_message().size(), kMaxStatusMessageBytes);
  EXPECT_THAT(status.error_message(), EndsWith("..."));
}

TEST(ToGrpcStatus, ViolationsThatDoNotFitAreCounted) {
  const auto request =
      Detail<google::rpc::BadRequest>(ToGrpcStatus(InvalidArgument(ManyViolations(1000))));
  const int shown = request.field_violations_size() - 1;
  EXPECT_GT(shown, 5);
  EXPECT_EQ(request.field_violations(0).field(), "config.args[0]");
  EXPECT_EQ(request.field_violations(shown).description(),
            absl::StrCat(1000 - shown, " more are not shown"));
}

TEST(ToGrpcStatus, TheWorstErrorFitsIntoAClientsTrailerLimit) {
  absl::Status status = InvalidArgument(ManyViolations(1000));
  status = WithReason(std::move(status), std::string(10000, 'R'),
                      {{"a", std::string(10000, 'v')}, {std::string(10000, 'k'), "v"}});
  status = WithResource(std::move(status), "task", std::string(10000, 'q'));
  const grpc::Status out = ToGrpcStatus(status);
  EXPECT_LE(out.error_details().size(), kMaxStatusDetailsBytes);
  EXPECT_LT(WorstTrailerBytes(out), 8000);
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(out).domain(), "cloister");
}

TEST(ToGrpcStatus, BytesThatAreNotUtf8AreReplaced) {
  absl::Status status = InvalidArgument({{"config.env[\xff]", "holds \xff"}});
  status = WithReason(std::move(status), "BAD", {{"path", "/srv/\xff"}});
  const grpc::Status out = ToGrpcStatus(status);
  EXPECT_EQ(out.error_message(), "config.env[?]: holds ?");
  EXPECT_EQ(Detail<google::rpc::BadRequest>(out).field_violations(0).description(), "holds ?");
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(out).metadata().at("path"), "/srv/?");
}

TEST(FromGrpcStatus, EverythingComesBack) {
  const std::vector<FieldViolation> violations = {{"a", "is empty"}, {"b", "is 0"}};
  absl::Status status = InvalidArgument(violations);
  status = WithReason(std::move(status), "BAD", {{"k", "v"}});
  status = WithRetryDelay(std::move(status), absl::Seconds(2));
  const absl::Status back = FromGrpcStatus(ToGrpcStatus(status));
  EXPECT_THAT(back, StatusIs(absl::StatusCode::kInvalidArgument, std::string(status.message())));
  EXPECT_EQ(GetReason(back), "BAD");
  EXPECT_EQ(GetReasonMetadata(back), (ReasonMetadata{{"k", "v"}}));
  EXPECT_THAT(GetFieldViolations(back), ElementsAreArray(violations));
  EXPECT_EQ(GetRetryDelay(back), absl::Seconds(2));
}

TEST(FromGrpcStatus, HandingOnChangesNothing) {
  const grpc::Status once = ToGrpcStatus(
      WithResource(WithReason(absl::NotFoundError("x"), "TASK_NOT_FOUND"), "task", "q7"));
  const grpc::Status twice = ToGrpcStatus(FromGrpcStatus(once));
  EXPECT_EQ(once.error_code(), twice.error_code());
  EXPECT_EQ(once.error_message(), twice.error_message());
  EXPECT_EQ(once.error_details(), twice.error_details());
}

TEST(FromGrpcStatus, ACodeOutOfRangeIsUnknown) {
  EXPECT_THAT(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(17), "x")),
              StatusIs(absl::StatusCode::kUnknown, "x"));
  EXPECT_THAT(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(-1), "x")),
              StatusIs(absl::StatusCode::kUnknown, "x"));
}

TEST(FromGrpcStatus, DetailsThatCannotBeReadAreLeftOut) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::NOT_FOUND, "x", "\x0a\x7f"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "x"));
  EXPECT_THAT(GetFieldViolations(status), IsEmpty());
}

}  // namespace
}  // namespace cloister::rpc
