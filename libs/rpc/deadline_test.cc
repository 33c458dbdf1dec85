#include "libs/rpc/deadline.h"

#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace cloister::rpc {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000000);

TEST(CappedDeadline, IsTheClientsUnlessThatIsTooFar) {
  const absl::Duration cap = absl::Seconds(60);
  EXPECT_EQ(CappedDeadline(kNow + absl::Seconds(5), kNow, cap), kNow + absl::Seconds(5));
  EXPECT_EQ(CappedDeadline(kNow + absl::Hours(87600), kNow, cap), kNow + cap);
  EXPECT_EQ(CappedDeadline(absl::InfiniteFuture(), kNow, cap), kNow + cap);
  EXPECT_EQ(CappedDeadline(kNow - absl::Seconds(5), kNow, cap), kNow - absl::Seconds(5));
}

TEST(ForwardDeadline, LeavesAMarginThatIsNeitherTinyNorHuge) {
  EXPECT_EQ(ForwardDeadline(kNow + absl::Seconds(2), kNow), kNow + absl::Milliseconds(1900));
  EXPECT_EQ(ForwardDeadline(kNow + absl::Milliseconds(20), kNow), kNow + absl::Milliseconds(15));
  EXPECT_EQ(ForwardDeadline(kNow + absl::Hours(1), kNow),
            kNow + absl::Hours(1) - absl::Milliseconds(500));
}

TEST(ForwardDeadline, IsNeverBeforeNow) {
  EXPECT_EQ(ForwardDeadline(kNow + absl::Milliseconds(2), kNow), kNow);
  EXPECT_EQ(ForwardDeadline(kNow - absl::Seconds(2), kNow), kNow);
}

TEST(ForwardDeadline, NoneStaysNone) {
  EXPECT_EQ(ForwardDeadline(absl::InfiniteFuture(), kNow), absl::InfiniteFuture());
}

TEST(SetDeadline, IsWhatWasAskedFor) {
  grpc::ClientContext context;
  const absl::Time deadline = absl::FromUnixSeconds(2000000000);
  SetDeadline(&context, deadline);
  EXPECT_EQ(absl::FromChrono(context.deadline()), deadline);
}

TEST(SetDeadline, ATimeoutCountsFromNow) {
  grpc::ClientContext context;
  const absl::Time before = absl::Now();
  SetDeadline(&context, absl::Hours(1));
  EXPECT_GE(absl::FromChrono(context.deadline()), before + absl::Minutes(59));
  EXPECT_LE(absl::FromChrono(context.deadline()), absl::Now() + absl::Minutes(61));
}

TEST(SetDeadline, AnInfiniteOneIsNone) {
  for (absl::Duration timeout : {absl::InfiniteDuration(), absl::Hours(24 * 365 * 1000)}) {
    grpc::ClientContext context;
    SetDeadline(&context, timeout);
    EXPECT_EQ(context.deadline(), std::chrono::system_clock::time_point::max());
  }
}

TEST(SetDeadline, OneThatHasPassedIsOne) {
  grpc::ClientContext context;
  SetDeadline(&context, -absl::InfiniteDuration());
  EXPECT_LT(absl::FromChrono(context.deadline()), absl::Now());
}

}  // namespace
}  // namespace cloister::rpc
