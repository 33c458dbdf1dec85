#include "libs/rpc/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kOverflow = 4711;

PeerPolicy Policy(uid_t own_uid, std::vector<uid_t> allowed_uids) {
  return {own_uid, kOverflow, std::move(allowed_uids)};
}

TEST(ReadPeerUid, GivesTheUidOfTheOtherEnd) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const OwnedFd one(ends[0]), other(ends[1]);
  EXPECT_THAT(ReadPeerUid(one.get()), IsOkAndHolds(geteuid()));
}

TEST(ReadPeerUid, IsAnErrorWithoutAUnixPeer) {
  const OwnedFd unconnected(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_THAT(ReadPeerUid(unconnected.get()), StatusIs(absl::StatusCode::kFailedPrecondition));
  const OwnedFd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_THAT(ReadPeerUid(tcp.get()), StatusIs(absl::StatusCode::kFailedPrecondition));
  const OwnedFd file(dup(0));
  EXPECT_FALSE(ReadPeerUid(file.get()).ok());
}

TEST(ReadPeerPolicy, IsThisProcesss) {
  const auto policy = ReadPeerPolicy({7});
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->own_uid, geteuid());
  EXPECT_GT(policy->overflow_uid, 0u);
  EXPECT_EQ(policy->allowed_uids, std::vector<uid_t>{7});
}

TEST(AdmitPeer, RootAndOurOwnUserAreOwners) {
  EXPECT_THAT(AdmitPeer(0, Policy(1000, {})), IsOkAndHolds(Principal::LocalOwner(0)));
  EXPECT_THAT(AdmitPeer(1000, Policy(1000, {})), IsOkAndHolds(Principal::LocalOwner(1000)));
}

TEST(AdmitPeer, AnAllowedUidIsAUser) {
  EXPECT_THAT(AdmitPeer(1001, Policy(1000, {1001, 1002})),
              IsOkAndHolds(Principal::LocalUser(1001)));
}

TEST(AdmitPeer, AnybodyElseIsRefused) {
  const auto principal = AdmitPeer(1003, Policy(1000, {1001, 1002}));
  EXPECT_THAT(principal, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("uid 1003")));
  EXPECT_EQ(GetReason(principal.status()), "PEER_UID_NOT_ALLOWED");
  EXPECT_EQ(GetReasonMetadata(principal.status()), (ReasonMetadata{{"uid", "1003"}}));
}

TEST(AdmitPeer, TheOverflowUidIsRefusedEvenWhereItIsOurOwn) {
  for (uid_t uid : {kOverflow, uid_t{65534}}) {
    EXPECT_THAT(AdmitPeer(uid, Policy(1000, {})), StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(AdmitPeer(uid, Policy(uid, {})),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("every user")));
  }
}

TEST(AdmitPeer, TheOverflowUidIsAUserWhereItIsListedOnPurpose) {
  EXPECT_THAT(AdmitPeer(kOverflow, Policy(1000, {kOverflow})),
              IsOkAndHolds(Principal::LocalUser(kOverflow)));
  EXPECT_THAT(AdmitPeer(65534, Policy(65534, {65534})), IsOkAndHolds(Principal::LocalUser(65534)));
}

}  // namespace
}  // namespace cloister::rpc
