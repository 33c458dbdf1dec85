#include "services/frontend/join_policy.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"

namespace cloister::frontend {
namespace {

v1::Node MakeNode(const std::string& id, const std::string& address) {
  v1::Node node;
  node.set_id(id);
  node.set_address(address);
  return node;
}

const rpc::Principal kNode1 = *rpc::Principal::Parse("node/n1");

TEST(JoinPolicy, LetsACertificateSpeakForItsOwnNodeOnly) {
  EXPECT_THAT(MayJoin(kNode1, MakeNode("n1", "10.0.0.1:7000")), IsOk());
  const absl::Status other = MayJoin(kNode1, MakeNode("n2", "10.0.0.1:7000"));
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetReason(other), "NODE_NAME_MISMATCH");
}

TEST(JoinPolicy, RefusesASocketOfOurMachineToACertificate) {
  const absl::Status status = MayJoin(kNode1, MakeNode("n1", "unix:/run/other.sock"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetReason(status), "NODE_ADDRESS_NOT_ALLOWED");
}

TEST(JoinPolicy, LetsTheOwnerAndDevJoinAsAnyNode) {
  for (const rpc::Principal& caller : {rpc::Principal::LocalOwner(0), rpc::Principal::Dev()}) {
    EXPECT_THAT(MayJoin(caller, MakeNode("n1", "unix:/run/n1.sock")), IsOk());
    EXPECT_THAT(MayJoin(caller, MakeNode("n2", "127.0.0.1:7000")), IsOk());
  }
}

TEST(JoinPolicy, RefusesMoreAttributesThanANodeIsShownBy) {
  const rpc::Principal owner = rpc::Principal::LocalOwner(0);
  v1::Node node = MakeNode("n1", "unix:/run/n1.sock");
  (*node.mutable_attributes())["attr.kernel.name"] = "linux";
  EXPECT_THAT(MayJoin(owner, node), IsOk());
  (*node.mutable_attributes())["meta.big"] = std::string(65 << 10, 'x');
  EXPECT_THAT(MayJoin(owner, node), StatusIs(absl::StatusCode::kInvalidArgument));
  node.clear_attributes();
  for (int i = 0; i < 1025; ++i) (*node.mutable_attributes())[std::to_string(i)] = "x";
  EXPECT_THAT(MayJoin(owner, node), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(JoinPolicy, RefusesIdsAndAddressesThatAreNone) {
  const rpc::Principal owner = rpc::Principal::LocalOwner(0);
  for (const std::string& id : {std::string(), std::string("a b"), std::string("a\0b", 3),
                                std::string("a/b"), std::string(65, 'n')}) {
    EXPECT_THAT(MayJoin(owner, MakeNode(id, "unix:/s")),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << id;
  }
  for (const char* address : {"", "nowhere", "unix:relative"}) {
    EXPECT_THAT(MayJoin(owner, MakeNode("n1", address)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
}

}  // namespace
}  // namespace cloister::frontend
