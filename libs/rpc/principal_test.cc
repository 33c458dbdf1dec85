#include "libs/rpc/principal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

TEST(RoleSet, HoldsWhatWasPutIn) {
  constexpr RoleSet kSet = {Role::kAdmin, Role::kDev};
  EXPECT_TRUE(kSet.Contains(Role::kAdmin));
  EXPECT_TRUE(kSet.Contains(Role::kDev));
  EXPECT_FALSE(kSet.Contains(Role::kClient));
  EXPECT_FALSE(RoleSet().Contains(Role::kAdmin));
}

TEST(Principal, HasOneText) {
  EXPECT_EQ(Principal::LocalOwner(0).ToString(), "uid:0");
  EXPECT_EQ(Principal::LocalUser(1000).ToString(), "uid:1000");
  EXPECT_EQ(Principal::Dev().ToString(), "dev");
  EXPECT_EQ(Principal::FromUriNames({"cloister://client/alice"})->ToString(), "client/alice");
}

TEST(Principal, EveryCertificateRoleIsKnown) {
  EXPECT_EQ(Principal::FromUriNames({"cloister://admin/root"})->role(), Role::kAdmin);
  EXPECT_EQ(Principal::FromUriNames({"cloister://client/alice"})->role(), Role::kClient);
  EXPECT_EQ(Principal::FromUriNames({"cloister://frontend/f1"})->role(), Role::kFrontend);
  EXPECT_EQ(Principal::FromUriNames({"cloister://node/n-1.example.com"})->role(), Role::kNode);
  EXPECT_EQ(Principal::FromUriNames({"cloister://node/n-1.example.com"})->name(),
            "n-1.example.com");
}

TEST(Principal, OtherUriNamesOfACertificateDoNotMatter) {
  EXPECT_THAT(Principal::FromUriNames({"spiffe://x/y", "cloister://node/n1", "https://z"}),
              IsOkAndHolds(*Principal::FromUriNames({"cloister://node/n1"})));
}

TEST(Principal, ACertificateWithoutRoleIsRefused) {
  for (const auto& uris : std::vector<std::vector<absl::string_view>>{
           {}, {"spiffe://node/n1"}, {"CLOISTER://node/n1"}, {"x-cloister://node/n1"}}) {
    const auto principal = Principal::FromUriNames(uris);
    EXPECT_THAT(principal, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(principal.status()), "CERTIFICATE_WITHOUT_ROLE");
  }
}

TEST(Principal, ACertificateWithTwoRolesIsRefused) {
  for (absl::string_view second : {"cloister://client/b", "cloister://node/n1", "cloister://"}) {
    const auto principal = Principal::FromUriNames({"cloister://node/n1", second});
    EXPECT_THAT(principal, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(principal.status()), "CERTIFICATE_WITH_TWO_ROLES");
  }
}

TEST(Principal, AMalformedRoleIsRefused) {
  for (absl::string_view uri :
       {"cloister://", "cloister://node", "cloister://node/", "cloister:///n1",
        "cloister://Node/n1", "cloister://root/n1", "cloister://uid:0/x", "cloister://dev/x",
        "cloister://node/n1/n2", "cloister://node/n1?x", "cloister://node/n1#x",
        "cloister://node:1/n1", "cloister://u@node/n1", "cloister://node/ n1",
        "cloister://node/n%31", "cloister://node/.n1", "cloister://node/-n1",
        "cloister://node/n\xc3\xa9", "cloister:////node/n1"}) {
    const auto principal = Principal::FromUriNames({uri});
    EXPECT_THAT(principal, StatusIs(absl::StatusCode::kPermissionDenied)) << uri;
    EXPECT_EQ(GetReason(principal.status()), "CERTIFICATE_ROLE_INVALID") << uri;
  }
}

TEST(Principal, ANameWithANulByteIsRefusedAndTheMessageStaysReadable) {
  EXPECT_THAT(Principal::FromUriNames({absl::string_view("cloister://node/n1\0x", 20)}),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("n1\\x00x")));
}

TEST(Principal, NamesHaveALongestLength) {
  const std::string longest(128, 'a');
  EXPECT_THAT(Principal::FromUriNames({absl::StrCat("cloister://node/", longest)}), IsOk());
  EXPECT_THAT(Principal::FromUriNames({absl::StrCat("cloister://node/", longest, "a")}),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(Principal, TextIsReadBack) {
  for (absl::string_view text :
       {"uid:0", "uid:4294967295", "dev", "admin/a", "client/alice", "frontend/f1", "node/n1"}) {
    const auto principal = Principal::Parse(text);
    ASSERT_THAT(principal, IsOk());
    EXPECT_EQ(principal->ToString(), text);
  }
}

TEST(Principal, AUidFromAnotherMachineOwnsNothingHere) {
  EXPECT_EQ(Principal::Parse("uid:0")->role(), Role::kLocalUser);
}

TEST(Principal, OtherTextIsRefused) {
  for (absl::string_view text : {"", "alice", "uid:", "uid:-1", "uid:+1", "uid:01", "uid: 1",
                                 "uid:4294967296", "uid:1x", "dev ", "Dev", "client/", "client/a,b",
                                 "root/x", "client/alice, admin/a", "cloister://client/alice"}) {
    EXPECT_THAT(Principal::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace cloister::rpc
