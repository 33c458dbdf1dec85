// By way of the policy file that the block stands in.
#include "libs/node/artifact_policy_block.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/policy_file.h"

namespace cloister::node {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

absl::StatusOr<ArtifactPolicy> Parse(const std::string& lines) {
  const auto file = ParsePolicyFile("policy.hcl", absl::StrCat("artifact {\n", lines, "\n}\n"),
                                    DefaultNodePolicy());
  if (!file.ok()) return file.status();
  return file->policy.artifacts;
}

std::string Problems(const std::string& lines) {
  const auto policy = Parse(lines);
  EXPECT_THAT(policy, StatusIs(absl::StatusCode::kInvalidArgument)) << lines;
  return std::string(policy.status().message());
}

// With what each of its type must have.
std::string Credential(const std::string& lines) {
  return absl::StrCat("credentials \"c\" {\n", lines, "\n}\n");
}

TEST(ArtifactPolicyBlock, OfNothingIsTheDefault) {
  const auto policy = Parse("");
  ASSERT_THAT(policy, IsOk());
  const ArtifactPolicy usual;
  EXPECT_TRUE(policy->enabled);
  EXPECT_FALSE(policy->allow_hg);
  EXPECT_THAT(policy->egress.allowed_networks, IsEmpty());
  EXPECT_THAT(policy->file_sources, IsEmpty());
  EXPECT_THAT(policy->credentials, IsEmpty());
  EXPECT_EQ(policy->parallel, usual.parallel);
  EXPECT_EQ(policy->unpack.ratio, usual.unpack.ratio);
  EXPECT_EQ(policy->max_download_bytes, usual.max_download_bytes);
}

TEST(ArtifactPolicyBlock, SetsWhatItSays) {
  const auto policy = Parse(R"(
    enabled           = false
    schemes           = ["https"]
    allowed_hosts     = ["*.corp"]
    denied_hosts      = ["old.corp"]
    allowed_networks  = ["10.0.0.0/8", "fd00::/8"]
    denied_networks   = ["10.1.0.0/16"]
    file_sources      = ["/srv/shared"]
    ca_file           = "/etc/ca.pem"
    proxy             = "http://proxy.corp:3128"
    max_size          = 1
    max_unpacked_size = 2
    max_files         = 3
    max_depth         = 4
    max_path_length   = 5
    max_ratio         = 6
    attempts          = 7
    parallel          = 8
    parallel_of_task  = 9
    timeout           = "10s"
    read_timeout      = "11s"
  )");
  ASSERT_THAT(policy, IsOk());
  EXPECT_FALSE(policy->enabled);
  EXPECT_THAT(policy->egress.schemes, ElementsAre("https"));
  EXPECT_THAT(policy->egress.allowed_hosts, ElementsAre("*.corp"));
  EXPECT_THAT(policy->egress.denied_hosts, ElementsAre("old.corp"));
  EXPECT_THAT(policy->egress.allowed_networks, SizeIs(2));
  EXPECT_THAT(policy->egress.denied_networks, SizeIs(1));
  EXPECT_THAT(policy->file_sources, ElementsAre("/srv/shared"));
  EXPECT_EQ(policy->ca_file, "/etc/ca.pem");
  EXPECT_EQ(policy->proxy, "http://proxy.corp:3128");
  EXPECT_EQ(policy->egress.proxy_host, "proxy.corp");
  EXPECT_EQ(policy->egress.proxy_port, 3128);
  EXPECT_EQ(policy->max_download_bytes, uint64_t{1} << 20);
  EXPECT_EQ(policy->unpack.bytes, uint64_t{2} << 20);
  EXPECT_EQ(policy->unpack.files, 3);
  EXPECT_EQ(policy->unpack.depth, 4);
  EXPECT_EQ(policy->unpack.path_length, 5);
  EXPECT_EQ(policy->unpack.ratio, 6);
  EXPECT_EQ(policy->attempts, 7);
  EXPECT_EQ(policy->parallel, 8);
  EXPECT_EQ(policy->parallel_of_task, 9);
  EXPECT_EQ(policy->timeout, absl::Seconds(10));
  EXPECT_EQ(policy->unpack.deadline, absl::Seconds(10));
  EXPECT_EQ(policy->read_timeout, absl::Seconds(11));
}

TEST(ArtifactPolicyBlock, WhatCannotBeIsRefusedAtItsPlace) {
  EXPECT_THAT(Problems("allowed_networks = [\"10.0.0.0/33\"]"), HasSubstr("policy.hcl"));
  EXPECT_THAT(Problems("file_sources = [\"srv\"]"), HasSubstr("absolute clean path"));
  EXPECT_THAT(Problems("file_sources = [\"/srv/../etc\"]"), HasSubstr("absolute clean path"));
  EXPECT_THAT(Problems("ca_file = \"ca.pem\""), HasSubstr("absolute clean path"));
  for (const char* proxy : {"https://p:1", "http://p", "http://p:0", "http://p:65536", "http://:1",
                            "http://u:s@p:1", "http://p:1/x"}) {
    EXPECT_THAT(Problems(absl::StrCat("proxy = \"", proxy, "\"")), HasSubstr("http://HOST:PORT"))
        << proxy;
  }
  for (const char* count : {"attempts = 0", "attempts = 11", "parallel = 0", "parallel = 65",
                            "max_path_length = 4096", "max_files = -1"}) {
    Problems(count);
  }
  Problems("unheard_of = 1");
}

TEST(ArtifactPolicyBlock, ACredentialIsForHostsThatTheNodeNames) {
  const auto policy = Parse(Credential(
      "type = \"basic\"\nuser = \"u\"\nfile = \"/f\"\nhosts = [\"h\"]\ntenants = [\"client/a\"]"));
  ASSERT_THAT(policy, IsOk());
  ASSERT_THAT(policy->credentials, SizeIs(1));
  const ArtifactCredential& credential = policy->credentials[0];
  EXPECT_EQ(credential.name, "c");
  EXPECT_EQ(credential.kind, ArtifactCredential::Kind::kBasic);
  EXPECT_EQ(credential.user, "u");
  EXPECT_EQ(credential.file, "/f");
  EXPECT_THAT(credential.hosts, ElementsAre("h"));
  EXPECT_THAT(credential.tenants, ElementsAre("client/a"));
  EXPECT_FALSE(credential.allow_http);
  EXPECT_THAT(Problems(Credential("type = \"bearer\"\nfile = \"/f\"")), HasSubstr("hosts"));
  const auto in_clear =
      Parse(Credential("type = \"bearer\"\nfile = \"/f\"\nhosts = [\"h\"]\nallow_http = true"));
  ASSERT_THAT(in_clear, IsOk());
  EXPECT_TRUE(in_clear->credentials[0].allow_http);
}

TEST(ArtifactPolicyBlock, ACredentialSaysWhereItIsAndWhatItsTypeNeeds) {
  const std::string hosts = "hosts = [\"h\"]\n";
  EXPECT_THAT(Problems(Credential(hosts + "type = \"bearer\"")), HasSubstr("file and exec"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"bearer\"\nfile = \"/f\"\nexec = [\"/e\"]")),
              HasSubstr("file and exec"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"bearer\"\nexec = [\"e\"]")),
              HasSubstr("absolute path"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"basic\"\nfile = \"/f\"")), HasSubstr("user"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"header\"\nfile = \"/f\"")), HasSubstr("user"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"ssh\"\nfile = \"/f\"")),
              HasSubstr("known_hosts"));
  EXPECT_THAT(Problems(Credential(hosts + "type = \"magic\"\nfile = \"/f\"")),
              AllOf(HasSubstr("bearer"), HasSubstr("policy.hcl")));
  const std::string one = Credential(hosts + "type = \"bearer\"\nfile = \"/f\"");
  EXPECT_THAT(Problems(one + one), HasSubstr("another one's"));
}

}  // namespace
}  // namespace cloister::node
