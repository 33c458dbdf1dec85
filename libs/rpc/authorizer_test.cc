#include "libs/rpc/authorizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

constexpr char kMethod[] = "/x.Service/Do";

Principal Certificate(absl::string_view text) {
  return *Principal::FromUriNames({absl::StrCat("cloister://", text)});
}

// One of each role.
const std::vector<Principal>& EachRole() {
  static const auto* const kPrincipals = new std::vector<Principal>{
      Certificate("admin/a"), Certificate("client/c"),  Certificate("frontend/f"),
      Certificate("node/n"),  Principal::LocalOwner(0), Principal::LocalUser(1000),
      Principal::Dev()};
  return *kPrincipals;
}

Authorizer MakeAuthorizer(MethodTable table) { return Authorizer(table, {0, 65534, {}}, true); }

CallIdentity Direct(const Principal& caller) { return {caller, caller}; }

TEST(AuthorizerDecide, AllowsExactlyTheRolesOfTheTable) {
  for (const Principal& allowed : EachRole()) {
    const Authorizer authorizer = MakeAuthorizer({{{kMethod, {allowed.role()}, {}}}, {}});
    for (const Principal& caller : EachRole()) {
      const absl::Status status = authorizer.Decide(kMethod, Direct(caller));
      if (caller == allowed) {
        EXPECT_THAT(status, IsOk());
      } else {
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied,
                                     absl::StrCat(caller.ToString(), " may not call ", kMethod)));
        EXPECT_EQ(GetReason(status), "ROLE_NOT_ALLOWED");
        EXPECT_EQ(GetReasonMetadata(status).at("method"), kMethod);
        EXPECT_EQ(GetReasonMetadata(status).at("caller"), caller.ToString());
      }
    }
  }
}

TEST(AuthorizerDecide, DeniesEverybodyWhatIsNotInTheTable) {
  const Authorizer authorizer =
      MakeAuthorizer({{{kMethod,
                        {Role::kAdmin, Role::kClient, Role::kFrontend, Role::kNode,
                         Role::kLocalOwner, Role::kLocalUser, Role::kDev},
                        {}}},
                      {}});
  for (const Principal& caller : EachRole()) {
    for (absl::string_view method : {"/x.Service/Other", "x.Service/Do", "/X.Service/Do",
                                     "/x.Service/Do/", "/x.Service/D", "", "/"}) {
      const absl::Status status = authorizer.Decide(method, Direct(caller));
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
      EXPECT_EQ(GetReason(status), "METHOD_NOT_LISTED");
    }
  }
}

TEST(AuthorizerDecide, ChecksForWhomAForwarderCalls) {
  const Authorizer authorizer =
      MakeAuthorizer({{{kMethod, {Role::kFrontend}, {Role::kClient}}}, {Role::kFrontend}});
  const Principal frontend = Certificate("frontend/f");
  EXPECT_THAT(authorizer.Decide(kMethod, {frontend, Certificate("client/c")}), IsOk());
  const absl::Status status = authorizer.Decide(kMethod, {frontend, Certificate("node/n")});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("for node/n")));
  EXPECT_EQ(GetReason(status), "ROLE_NOT_ALLOWED");
}

TEST(AuthorizerBelieve, WithoutMetadataTheCallerCallsForItself) {
  const Authorizer authorizer = MakeAuthorizer({{}, {}});
  const auto identity = authorizer.Believe(Certificate("client/c"), {});
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->caller, Certificate("client/c"));
  EXPECT_EQ(identity->principal, Certificate("client/c"));
}

TEST(AuthorizerBelieve, BelievesForwardersOnly) {
  const Authorizer authorizer = MakeAuthorizer(ExecutorMethodTable());
  for (const Principal& caller : EachRole()) {
    const auto identity = authorizer.Believe(caller, {"client/alice"});
    const bool forwarder = caller.role() == Role::kFrontend || caller.role() == Role::kLocalOwner ||
                           caller.role() == Role::kDev;
    if (forwarder) {
      ASSERT_THAT(identity, IsOk());
      EXPECT_EQ(identity->caller, caller);
      EXPECT_EQ(identity->principal, Certificate("client/alice"));
    } else {
      EXPECT_THAT(identity, StatusIs(absl::StatusCode::kPermissionDenied));
      EXPECT_EQ(GetReason(identity.status()), "PRINCIPAL_NOT_BELIEVED");
    }
  }
}

TEST(AuthorizerBelieve, AFrontendBelievesNobody) {
  const Authorizer authorizer = MakeAuthorizer(FrontendMethodTable());
  for (const Principal& caller : EachRole()) {
    EXPECT_THAT(authorizer.Believe(caller, {"client/alice"}),
                StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST(AuthorizerBelieve, MetadataThatIsNoPrincipalIsRefused) {
  const Authorizer authorizer = MakeAuthorizer(ExecutorMethodTable());
  for (absl::string_view text : {"", "alice", "client/a, admin/b", "uid:x", "root"}) {
    const auto identity = authorizer.Believe(Certificate("frontend/f"), {text});
    EXPECT_THAT(identity, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(identity.status()), "PRINCIPAL_INVALID");
  }
}

TEST(AuthorizerBelieve, TwoPrincipalsAreRefused) {
  const Authorizer authorizer = MakeAuthorizer(ExecutorMethodTable());
  const auto identity =
      authorizer.Believe(Certificate("frontend/f"), {"client/alice", "client/alice"});
  EXPECT_THAT(identity, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("2 times")));
  EXPECT_EQ(GetReason(identity.status()), "PRINCIPAL_INVALID");
}

TEST(Authorizer, CreateKnowsThisProcess) {
  const auto authorizer = Authorizer::Create(ExecutorMethodTable(), {7}, true);
  ASSERT_THAT(authorizer, IsOk());
  EXPECT_EQ(authorizer->peers().allowed_uids, std::vector<uid_t>{7});
  EXPECT_TRUE(authorizer->dev_mode());
}

TEST(CheckNodeName, ACertificateSpeaksForItsOwnNodeOnly) {
  EXPECT_THAT(CheckNodeName(Certificate("node/n1"), "n1"), IsOk());
  for (absl::string_view other : {"n2", "N1", "", "n1 ", "node/n1"}) {
    const absl::Status status = CheckNodeName(Certificate("node/n1"), other);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(status), "NODE_NAME_MISMATCH");
  }
}

TEST(CheckNodeName, TheOwnerAndDevSpeakForAnyNode) {
  EXPECT_THAT(CheckNodeName(Principal::LocalOwner(0), "n1"), IsOk());
  EXPECT_THAT(CheckNodeName(Principal::Dev(), "n1"), IsOk());
}

}  // namespace
}  // namespace cloister::rpc
