#include "tests/testing/test_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/principal.h"
#include "libs/rpc/tls_files.h"

namespace cloister {
namespace {

TEST(TestCa, IssuesFilesThatAreFitForUse) {
  const absl::StatusOr<TestCa> ca = TestCa::Create(::testing::TempDir());
  ASSERT_THAT(ca, IsOk());
  const absl::StatusOr<rpc::TlsFiles> files = ca->Issue("client", "alice");
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->authority, ca->authority());
  EXPECT_THAT(rpc::CheckTlsFiles(*files, absl::Now()),
              IsOkAndHolds(*rpc::Principal::FromUriNames({"cloister://client/alice"})));
}

TEST(TestCa, KeysAreTheOwnersOnly) {
  const absl::StatusOr<TestCa> ca = TestCa::Create(::testing::TempDir());
  ASSERT_THAT(ca, IsOk());
  const absl::StatusOr<rpc::TlsFiles> files = ca->Issue("node", "n1");
  ASSERT_THAT(files, IsOk());
  struct stat info;
  ASSERT_EQ(stat(files->key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600);
}

}  // namespace
}  // namespace cloister
