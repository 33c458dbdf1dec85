#include "libs/rpc/reflection_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/probe/probe.pb.h"
#include "google/rpc/error_details.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"

namespace cloister::rpc {
namespace {

namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// The names of the files in an answer.
std::vector<std::string> Files(const v1::ServerReflectionResponse& response) {
  std::vector<std::string> names;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    names.push_back(file.name());
  }
  return names;
}

class ReflectionCatalogTest : public ::testing::Test {
 protected:
  v1::ServerReflectionResponse FileOfSymbol(const std::string& symbol) {
    v1::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    return catalog_.Answer(request);
  }

  const ReflectionCatalog catalog_{{"cloister.probe.ProbeService"}};
};

TEST_F(ReflectionCatalogTest, ListsServices) {
  v1::ServerReflectionRequest request;
  request.set_host("h");
  request.set_list_services("");
  const v1::ServerReflectionResponse response = catalog_.Answer(request);
  EXPECT_EQ(response.valid_host(), "h");
  EXPECT_TRUE(response.original_request().has_list_services());
  ASSERT_EQ(response.list_services_response().service_size(), 1);
  EXPECT_EQ(response.list_services_response().service(0).name(), "cloister.probe.ProbeService");
}

TEST_F(ReflectionCatalogTest, FindsTheFileOfEachKindOfSymbol) {
  for (const char* symbol : {"cloister.probe.ProbeService", "cloister.probe.ProbeService.Echo",
                             "cloister.probe.EchoRequest", "cloister.probe.EchoRequest.text"}) {
    EXPECT_THAT(Files(FileOfSymbol(symbol)), ElementsAre("cloister/probe/probe.proto")) << symbol;
  }
}

TEST_F(ReflectionCatalogTest, GivesAFileWithItsImports) {
  v1::ServerReflectionRequest request;
  request.set_file_by_filename("google/rpc/error_details.proto");
  EXPECT_THAT(Files(catalog_.Answer(request)),
              ElementsAre("google/rpc/error_details.proto", "google/protobuf/duration.proto"));
}

TEST_F(ReflectionCatalogTest, ShowsTheDetailsOfErrors) {
  EXPECT_THAT(Files(FileOfSymbol("google.rpc.BadRequest")),
              Contains("google/rpc/error_details.proto"));
  EXPECT_THAT(Files(FileOfSymbol("google.rpc.Status")), Contains("google/rpc/status.proto"));
}

TEST_F(ReflectionCatalogTest, HidesWhatIsLinkedInButNotServed) {
  ASSERT_NE(internal::LaunchPlan::descriptor(), nullptr);
  for (const std::string& symbol : {internal::LaunchPlan::descriptor()->full_name(),
                                    std::string("grpc.reflection.v1.ServerReflection"),
                                    std::string("no.such.Symbol"), std::string()}) {
    EXPECT_EQ(FileOfSymbol(symbol).error_response().error_code(), grpc::StatusCode::NOT_FOUND)
        << symbol;
  }
  v1::ServerReflectionRequest request;
  request.set_file_by_filename("cloister/internal/plan.proto");
  EXPECT_EQ(catalog_.Answer(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ReflectionCatalogTest, KnowsNoExtensions) {
  v1::ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("cloister.probe.EchoRequest");
  const v1::ServerReflectionResponse response = catalog_.Answer(request);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(),
            "cloister.probe.EchoRequest");
  EXPECT_THAT(response.all_extension_numbers_response().extension_number(), IsEmpty());
  request.set_all_extension_numbers_of_type("no.such.Type");
  EXPECT_EQ(catalog_.Answer(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_file_containing_extension()->set_containing_type("cloister.probe.EchoRequest");
  EXPECT_EQ(catalog_.Answer(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ReflectionCatalogTest, ARequestForNothingIsAnError) {
  EXPECT_EQ(catalog_.Answer(v1::ServerReflectionRequest()).error_response().error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

// Over a real server: what grpcurl does first.
template <typename Service, typename Request, typename Response>
void ExpectListsServices() {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  const auto stub = Service::NewStub(DialOrDie(directory.Socket()));
  grpc::ClientContext context;
  SetDeadline(&context, kTestTimeout);
  const auto stream = stub->ServerReflectionInfo(&context);
  for (int i = 0; i < 2; ++i) {
    Request request;
    request.set_list_services("*");
    ASSERT_TRUE(stream->Write(request));
    Response response;
    ASSERT_TRUE(stream->Read(&response));
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service()) {
      names.push_back(service.name());
    }
    EXPECT_THAT(names, UnorderedElementsAre("cloister.probe.ProbeService", "grpc.health.v1.Health",
                                            "grpc.reflection.v1.ServerReflection",
                                            "grpc.reflection.v1alpha.ServerReflection"));
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(ReflectionService, V1ListsServices) {
  ExpectListsServices<v1::ServerReflection, v1::ServerReflectionRequest,
                      v1::ServerReflectionResponse>();
}

TEST(ReflectionService, V1AlphaListsServices) {
  ExpectListsServices<v1alpha::ServerReflection, v1alpha::ServerReflectionRequest,
                      v1alpha::ServerReflectionResponse>();
}

TEST(ReflectionService, AnOpenStreamDoesNotHoldUpADrain) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  const auto stub = v1::ServerReflection::NewStub(DialOrDie(directory.Socket()));
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  v1::ServerReflectionRequest request;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request));
  v1::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Read(&response));
  (*server)->server().Drain(kTestTimeout);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(FromGrpcStatus(stream->Finish()), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace cloister::rpc
