#include "libs/artifact/fetch_message.h"

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

FetchRequest FullRequest() {
  FetchRequest request;
  request.source.kind = SourceKind::kS3;
  request.source.url = "https://h/k";
  request.source.subdir = "a/b";
  request.source.checksum.emplace();
  request.source.checksum->digest = Checksum{DigestAlgorithm::kSha512, "ab"};
  request.source.archive = {ArchiveChoice::Kind::kFormat, ArchiveFormat::kTarZst};
  request.source.file_name = "f";
  request.source.git = {"main", 3, true};
  request.source.hg_rev = "tip";
  request.source.s3 = {"https://e", "r", "b", "k", "v", true};
  request.source.gcs = {"https://g", "b", "o", 7};
  request.source.credentials = "c";
  request.source.unpack.strip_components = 2;
  request.source.unpack.umask = 077;
  request.source.unpack.limits.files = 0;
  request.source.unpack.limits.deadline = absl::Seconds(3);
  request.headers = {{"A", "1"}, {"A", "2"}};
  request.credential = {Credential::Kind::kSshKey, "u", "s", "t", "p", "k"};
  request.mode = FetchMode::kDir;
  request.http.insecure = true;
  request.http.proxy = "http://p:1";
  request.limits = {1, 2, absl::Seconds(3), absl::Seconds(4), 5, absl::Seconds(6)};
  request.unpack = {1, 2, 3, 4, 5, absl::Seconds(6)};
  request.resume = {"e", "m"};
  request.if_changed = {"f", "n"};
  return request;
}

TEST(FetchMessageTest, ARequestArrivesAsItWasSent) {
  const internal::FetchRequest message = RequestToMessage(FullRequest());
  const absl::StatusOr<FetchRequest> request = RequestFromMessage(message);
  ASSERT_THAT(request, IsOk());
  // What is written back is what was read, so nothing was lost on the way.
  EXPECT_EQ(RequestToMessage(*request).SerializeAsString(), message.SerializeAsString());
  EXPECT_EQ(request->source.s3.bucket, "b");
  EXPECT_EQ(request->source.checksum->digest->ToString(), "sha512:ab");
  EXPECT_EQ(request->source.unpack.limits.files, 0U);
  EXPECT_FALSE(request->source.unpack.limits.bytes.has_value());
  EXPECT_EQ(request->headers.size(), 2U);
  EXPECT_EQ(request->credential.known_hosts, "k");
  EXPECT_EQ(request->limits.total, absl::Seconds(6));
  EXPECT_EQ(request->unpack.deadline, absl::Seconds(6));
  EXPECT_EQ(request->if_changed.last_modified, "n");
}

TEST(FetchMessageTest, AChecksumListIsNoDigest) {
  FetchRequest request;
  request.source.checksum.emplace();
  request.source.checksum->list_source = "https://h/SUMS";
  const absl::StatusOr<FetchRequest> read = RequestFromMessage(RequestToMessage(request));
  ASSERT_THAT(read, IsOk());
  ASSERT_TRUE(read->source.checksum.has_value());
  EXPECT_FALSE(read->source.checksum->digest.has_value());
  EXPECT_EQ(read->source.checksum->list_source, "https://h/SUMS");
  ASSERT_THAT(RequestFromMessage(RequestToMessage(FetchRequest())), IsOk());
  EXPECT_FALSE(RequestFromMessage(RequestToMessage({}))->source.checksum.has_value());
}

TEST(FetchMessageTest, AValueThatThereIsNotIsRefused) {
  internal::FetchRequest message = RequestToMessage(FullRequest());
  message.set_mode(9);
  EXPECT_THAT(RequestFromMessage(message), StatusIs(absl::StatusCode::kInvalidArgument));
  message = RequestToMessage(FullRequest());
  message.mutable_source()->set_kind(-1);
  EXPECT_THAT(RequestFromMessage(message), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(FetchMessageTest, AnErrorKeepsItsMark) {
  const absl::Status marked = MarkRetryable(absl::UnavailableError("busy"), absl::Seconds(7));
  const absl::Status read = StatusFromMessage(StatusToMessage(marked));
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kUnavailable, "busy"));
  EXPECT_TRUE(IsRetryable(read));
  EXPECT_EQ(RetryAfter(read), absl::Seconds(7));
  EXPECT_FALSE(IsRetryable(StatusFromMessage(StatusToMessage(absl::NotFoundError("no")))));
  EXPECT_THAT(StatusFromMessage(StatusToMessage(absl::OkStatus())), IsOk());
}

TEST(FetchMessageTest, ACodeThatThereIsNotIsStillAnError) {
  internal::WireStatus message;
  message.set_code(4711);
  EXPECT_THAT(StatusFromMessage(message), StatusIs(absl::StatusCode::kInternal));
  message.set_code(-1);
  EXPECT_THAT(StatusFromMessage(message), StatusIs(absl::StatusCode::kInternal));
}

TEST(FetchMessageTest, AReportArrivesAsItWasSent) {
  FetchReport report;
  report.is_tree = true;
  report.file_name = "f";
  report.sha256 = "aa";
  report.digests = {{DigestAlgorithm::kMd5, "bb"}};
  report.commit = "cc";
  report.bytes = 5;
  report.validators = {"e", "m"};
  report.redirects = 2;
  report.times = {absl::Seconds(1), absl::Seconds(2), absl::Seconds(3), absl::Seconds(6)};
  const internal::FetchReport message = ReportToMessage(report);
  const FetchReport read = ReportFromMessage(message);
  EXPECT_EQ(ReportToMessage(read).SerializeAsString(), message.SerializeAsString());
  EXPECT_EQ(read.times.total, absl::Seconds(6));
  ASSERT_EQ(read.digests.size(), 1U);
  EXPECT_EQ(read.digests[0].hex, "bb");
}

TEST(FetchMessageTest, OrdersArriveAsTheyWereSent) {
  BrokerOrders orders;
  orders.policy.schemes = {"https"};
  orders.policy.allowed_hosts = {"*.a"};
  orders.policy.denied_hosts = {"b.a"};
  orders.policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
  orders.policy.denied_networks = {*ParseCidr("fd00::/8")};
  orders.policy.proxy_host = "p";
  orders.policy.proxy_port = 3128;
  orders.connect = absl::Seconds(9);
  orders.connections = 3;
  const internal::BrokerPolicy message = OrdersToMessage(orders);
  const absl::StatusOr<BrokerOrders> read = OrdersFromMessage(message);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(OrdersToMessage(*read).SerializeAsString(), message.SerializeAsString());
  EXPECT_TRUE(read->policy.allowed_networks[0].Contains(*ParseIpAddress("127.3.2.1")));
  internal::BrokerPolicy broken = message;
  broken.mutable_policy()->mutable_allowed_networks(0)->set_network("abc");
  EXPECT_THAT(OrdersFromMessage(broken), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::artifact
