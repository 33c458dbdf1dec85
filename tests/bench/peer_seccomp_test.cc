#include "tests/bench/peer_seccomp.h"

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace cloister::bench {
namespace {

using seccomp::Condition;
using ::testing::HasSubstr;
using ::testing::Not;

std::string OciOf(const std::string& call, const seccomp::Rule& rule) {
  seccomp::Profile profile;
  profile.rules[call] = rule;
  return MakePeerSeccomp(profile)->oci_json;
}

TEST(PeerSeccompTest, OfATaskIsJsonAndAProgram) {
  const auto peer =
      MakePeerSeccomp(seccomp::MakeDefaultProfile(/*capabilities=*/0, /*host_pids=*/false));
  ASSERT_TRUE(peer.ok()) << peer.status();
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(peer->oci_json, &parsed).ok());
  EXPECT_FALSE(peer->bpf.empty());
}

TEST(PeerSeccompTest, RefusesWhatIsNotNamed) {
  EXPECT_THAT(OciOf("read", {}),
              HasSubstr(R"("defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1)"));
}

TEST(PeerSeccompTest, SaysARuleAsTheRuntimesReadIt) {
  EXPECT_THAT(OciOf("read", {}), HasSubstr(R"([{"names":["read"],"action":"SCMP_ACT_ALLOW"}])"));
  EXPECT_THAT(OciOf("clone3", {38, {}}),
              HasSubstr(R"({"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38})"));
  EXPECT_THAT(
      OciOf("clone", {0, Condition{0, Condition::Kind::kNoBits, {0x10}}}),
      HasSubstr(R"("args":[{"index":0,"value":16,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}])"));
  EXPECT_THAT(OciOf("ioctl", {0, Condition{1, Condition::Kind::kNoneOf, {5, 6}}}),
              HasSubstr(R"("args":[{"index":1,"value":5,"op":"SCMP_CMP_NE"}])"));
}

TEST(PeerSeccompTest, SaysEachAllowedWordOfItsOwn) {
  const std::string json = OciOf("personality", {0, Condition{0, Condition::Kind::kOneOf, {0, 8}}});
  EXPECT_THAT(json, HasSubstr(R"("value":4294967295,"valueTwo":0,)"));
  EXPECT_THAT(json, HasSubstr(R"("value":4294967295,"valueTwo":8,)"));
  EXPECT_THAT(json, Not(HasSubstr("SCMP_CMP_NE")));
}

}  // namespace
}  // namespace cloister::bench
