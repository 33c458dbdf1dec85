#include "services/frontend/frontend_config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> WrongFlags(const FrontendFlags& flags) {
  std::vector<std::string> wrong;
  for (const FieldViolation& violation : GetFieldViolations(ParseFrontendFlags(flags).status())) {
    wrong.push_back(violation.field);
  }
  return wrong;
}

TEST(FrontendConfig, TakesListsOfAddressesAndUsers) {
  const auto config = ParseFrontendFlags(
      {.listen = "unix:/run/f.sock,10.0.0.1:7000", .dev = true, .allowed_uids = "1000,1001"});
  ASSERT_THAT(config, IsOk());
  ASSERT_THAT(config->listen, SizeIs(2));
  EXPECT_EQ(config->listen[1].ToString(), "10.0.0.1:7000");
  EXPECT_THAT(config->allowed_uids, ElementsAre(1000, 1001));
  EXPECT_TRUE(config->dev);
  EXPECT_FALSE(config->tls.has_value());
}

TEST(FrontendConfig, TakesTlsFilesTogether) {
  const auto config = ParseFrontendFlags(
      {.listen = "10.0.0.1:7000", .tls_cert = "c", .tls_key = "k", .tls_ca = "a"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->tls->authority, "a");
  EXPECT_THAT(WrongFlags({.listen = "10.0.0.1:7000", .tls_cert = "c"}), ElementsAre("tls_cert"));
}

TEST(FrontendConfig, TellsEveryWrongFlagAtOnce) {
  EXPECT_THAT(WrongFlags({}), ElementsAre("listen"));
  EXPECT_THAT(WrongFlags({.listen = "nowhere", .tls_key = "k", .allowed_uids = "root"}),
              ElementsAre("listen", "tls_cert", "allowed_uids"));
}

}  // namespace
}  // namespace cloister::frontend
