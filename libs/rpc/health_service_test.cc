#include "libs/rpc/health_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"

namespace cloister::rpc {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr char kProbe[] = "cloister.probe.ProbeService";

// A watch of one service.
class Watch {
 public:
  Watch(Health::Stub* stub, const std::string& service) {
    SetDeadline(&context, kTestTimeout);
    HealthCheckRequest request;
    request.set_service(service);
    reader_ = stub->Watch(&context, request);
  }
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    EXPECT_TRUE(reader_->Read(&response));
    return response.status();
  }
  absl::Status Finish() { return FromGrpcStatus(reader_->Finish()); }

  grpc::ClientContext context;

 private:
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
};

class HealthServiceTest : public ::testing::Test {
 protected:
  HealthServiceTest()
      : server_(*ProbeServer::Start(directory_.Socket())),
        stub_(Health::NewStub(DialOrDie(directory_.Socket()))) {}

  absl::StatusOr<HealthCheckResponse::ServingStatus> Check(const std::string& service) {
    grpc::ClientContext context;
    SetDeadline(&context, kTestTimeout);
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const absl::Status status = FromGrpcStatus(stub_->Check(&context, request, &response));
    if (!status.ok()) return status;
    return response.status();
  }

  HealthService& health() { return server_->server().health(); }

  const ShortDirectory directory_;
  const std::unique_ptr<ProbeServer> server_;
  const std::unique_ptr<Health::Stub> stub_;
};

TEST_F(HealthServiceTest, TheServerAndItsServicesServeFromTheStart) {
  EXPECT_THAT(Check(""), IsOkAndHolds(HealthCheckResponse::SERVING));
  EXPECT_THAT(Check(kProbe), IsOkAndHolds(HealthCheckResponse::SERVING));
}

TEST_F(HealthServiceTest, AServiceThatIsNotServedHereIsNotFound) {
  const auto status = Check("x.Service");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(GetReason(status.status()), "SERVICE_UNKNOWN");
}

TEST_F(HealthServiceTest, OneServiceMayBeUnwell) {
  health().SetServing(kProbe, false);
  EXPECT_THAT(Check(kProbe), IsOkAndHolds(HealthCheckResponse::NOT_SERVING));
  EXPECT_THAT(Check(""), IsOkAndHolds(HealthCheckResponse::SERVING));
}

TEST_F(HealthServiceTest, AWatchTellsTheStatusAndThenEachChange) {
  Watch watch(stub_.get(), kProbe);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  health().SetServing(kProbe, true);  // No change, no message.
  health().SetServing("", false);     // Another's.
  health().SetServing(kProbe, false);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  health().SetServing(kProbe, true);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, AWatchOfAnUnknownServiceWaitsForIt) {
  Watch watch(stub_.get(), "x.Later");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  health().SetServing("x.Later", true);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, AWatchThatIsCancelledIsForgotten) {
  {
    Watch watch(stub_.get(), kProbe);
    EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
    watch.context.TryCancel();
    EXPECT_THAT(watch.Finish(), StatusIs(absl::StatusCode::kCancelled));
  }
  Watch watch(stub_.get(), kProbe);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  health().SetServing(kProbe, false);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, WhatStoppedDoesNotServeAgain) {
  health().StopServing();
  health().SetServing(kProbe, true);
  EXPECT_THAT(Check(kProbe), IsOkAndHolds(HealthCheckResponse::NOT_SERVING));
  EXPECT_THAT(Check(""), IsOkAndHolds(HealthCheckResponse::NOT_SERVING));
}

}  // namespace
}  // namespace cloister::rpc
