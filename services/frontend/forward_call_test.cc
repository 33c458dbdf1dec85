#include "services/frontend/forward_call.h"

#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/error_details.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {
namespace {

TEST(AnswerOf, PassesOnWhatTheExecutorSaid) {
  const grpc::Status told = rpc::ToGrpcStatus(NoNodeWithRoom(3, 300));
  const grpc::Status answer = AnswerOf("n1", told);
  EXPECT_EQ(answer.error_code(), told.error_code());
  EXPECT_EQ(answer.error_message(), told.error_message());
  EXPECT_EQ(answer.error_details(), told.error_details());
  EXPECT_TRUE(AnswerOf("n1", grpc::Status::OK).ok());
}

TEST(AnswerOf, SaysThatTheNodeCouldNotBeReached) {
  const grpc::Status failed(grpc::StatusCode::UNAVAILABLE, "Connection refused");
  EXPECT_TRUE(IsConnectionFailure(failed));
  const absl::Status answer = rpc::FromGrpcStatus(AnswerOf("n1", failed));
  EXPECT_TRUE(absl::IsUnavailable(answer));
  EXPECT_EQ(GetReason(answer), "NODE_UNREACHABLE");
  EXPECT_EQ(GetReasonMetadata(answer).at("node_id"), "n1");
  EXPECT_TRUE(rpc::GetRetryDelay(answer).has_value());
}

TEST(AnswerOf, TakesAnExecutorsOwnUnavailableForItsAnswer) {
  const grpc::Status told = rpc::ToGrpcStatus(NoNodes());
  EXPECT_FALSE(IsConnectionFailure(told));
  EXPECT_EQ(GetReason(rpc::FromGrpcStatus(AnswerOf("n1", told))), "NO_NODES");
}

}  // namespace
}  // namespace cloister::frontend
