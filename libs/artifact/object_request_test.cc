#include "libs/artifact/object_request.h"

#include <gtest/gtest.h>

#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

S3Object Object(bool path_style) {
  S3Object object;
  object.endpoint = "https://s3.eu-west-1.amazonaws.com";
  object.region = "eu-west-1";
  object.bucket = "builds";
  object.key = "a b/ü+=&/../x.tar.gz";
  object.path_style = path_style;
  return object;
}

TEST(S3Request, WritesPathAndVirtualHostStyle) {
  const std::string path = "a%20b/%C3%BC%2B%3D%26/../x.tar.gz";
  EXPECT_EQ(S3Request(Object(true), {})->url, "https://s3.eu-west-1.amazonaws.com/builds/" + path);
  EXPECT_EQ(S3Request(Object(false), {})->url, "https://builds.s3.eu-west-1.amazonaws.com/" + path);
}

TEST(S3Request, NamesTheVersionAndTheRegion) {
  S3Object object = Object(true);
  object.version = "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY=";
  object.key = "x";
  absl::StatusOr<HttpRequest> request = S3Request(object, {});
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->url,
            "https://s3.eu-west-1.amazonaws.com/builds/x"
            "?versionId=3%2FL4kqtJlcpXroDTDmJ%2BrmSpXd3dIbrHY%3D");
  EXPECT_EQ(request->aws_region, "eu-west-1");
  object.region.clear();
  EXPECT_EQ(S3Request(object, {})->aws_region, "us-east-1");
  object.region = "eu:s3\r\n";
  EXPECT_THAT(S3Request(object, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(S3Request, KeepsThePortOfAnEndpointOfOnesOwn) {
  S3Object object = Object(false);
  object.endpoint = "http://[::1]:9000";
  object.path_style = true;
  object.key = "x";
  EXPECT_EQ(S3Request(object, {})->url, "http://[::1]:9000/builds/x");
  object.endpoint = "http://store.test:9000";
  object.path_style = false;
  EXPECT_EQ(S3Request(object, {})->url, "http://builds.store.test:9000/x");
  object.endpoint = "http://store.test/prefix";
  EXPECT_THAT(S3Request(object, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(S3Request, TakesAwsCredentialsOnly) {
  Credential credential;
  credential.kind = Credential::Kind::kBearer;
  EXPECT_THAT(S3Request(Object(true), credential), StatusIs(absl::StatusCode::kInvalidArgument));
  credential.kind = Credential::Kind::kAws;
  EXPECT_THAT(S3Request(Object(true), credential), IsOk());
  EXPECT_THAT(GcsRequest({"https://x.test", "b", "o", 0}, credential),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(GcsRequest, NamesTheGeneration) {
  EXPECT_EQ(GcsRequest({"https://storage.googleapis.com", "b", "dir/a b", 0}, {})->url,
            "https://storage.googleapis.com/b/dir/a%20b");
  EXPECT_EQ(GcsRequest({"https://storage.googleapis.com", "b", "o", 1700000000000001}, {})->url,
            "https://storage.googleapis.com/b/o?generation=1700000000000001");
}

}  // namespace
}  // namespace cloister::artifact
