#include "libs/rpc/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/tls_files.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

constexpr bool kDev = true;
constexpr bool kNoDev = false;

class ListenAddressTest : public ::testing::Test {
 protected:
  ListenAddressTest() {
    directory_ = absl::StrCat(::testing::TempDir(), "/listen_XXXXXX");
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    files_ = *TestCa::Create(directory_)->Issue("frontend", "f1");
  }

  absl::StatusOr<Protection> Check(absl::string_view address, bool dev_mode,
                                   const absl::optional<TlsFiles>& tls) {
    return CheckListenAddress(*ParseAddress(address), dev_mode, tls, absl::Now());
  }

  std::string directory_;
  TlsFiles files_;
};

TEST_F(ListenAddressTest, UnixIsAllowedAlways) {
  const std::string address = "unix:/cloister.sock";
  EXPECT_THAT(Check(address, kNoDev, absl::nullopt), IsOkAndHolds(Protection::kPeerUid));
  EXPECT_THAT(Check(address, kDev, absl::nullopt), IsOkAndHolds(Protection::kPeerUid));
  EXPECT_THAT(Check(address, kNoDev, files_), IsOkAndHolds(Protection::kPeerUid));
}

TEST_F(ListenAddressTest, TcpWithFilesIsMutualTlsEvenInDevMode) {
  for (absl::string_view address : {"0.0.0.0:0", "[::]:0", "10.0.0.1:1", "127.0.0.1:0"}) {
    EXPECT_THAT(Check(address, kNoDev, files_), IsOkAndHolds(Protection::kMutualTls));
    EXPECT_THAT(Check(address, kDev, files_), IsOkAndHolds(Protection::kMutualTls));
  }
}

TEST_F(ListenAddressTest, PlaintextIsAllowedOnLoopbackInDevMode) {
  EXPECT_THAT(Check("127.0.0.1:0", kDev, absl::nullopt), IsOkAndHolds(Protection::kDevPlaintext));
  EXPECT_THAT(Check("[::1]:0", kDev, absl::nullopt), IsOkAndHolds(Protection::kDevPlaintext));
}

TEST_F(ListenAddressTest, PlaintextThatOtherMachinesReachIsRefusedEvenInDevMode) {
  for (absl::string_view address :
       {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[2001:db8::1]:80", "[::ffff:127.0.0.1]:80"}) {
    for (bool dev_mode : {kNoDev, kDev}) {
      EXPECT_THAT(Check(address, dev_mode, absl::nullopt),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           HasSubstr("other machines can reach it, which takes mutual TLS")));
    }
  }
}

TEST_F(ListenAddressTest, PlaintextOnLoopbackIsRefusedOutsideDevMode) {
  EXPECT_THAT(Check("127.0.0.1:80", kNoDev, absl::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("127.0.0.1:80: without TLS anybody on this machine")));
}

TEST_F(ListenAddressTest, ANameIsRefused) {
  EXPECT_THAT(Check("localhost:80", kDev, absl::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("instead of a name")));
  EXPECT_THAT(Check("example.com:80", kNoDev, files_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("instead of a name")));
}

TEST_F(ListenAddressTest, TlsWithAMissingFileIsRefusedAndNeverPlaintext) {
  files_.key.clear();
  EXPECT_THAT(Check("127.0.0.1:80", kDev, files_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("cannot listen on 127.0.0.1:80: TLS: mutual TLS needs a "
                                 "certificate, a key and an authority: no key is named")));
}

TEST_F(ListenAddressTest, AKeyThatOthersReadIsRefused) {
  ASSERT_EQ(chmod(files_.key.c_str(), 0644), 0);
  EXPECT_THAT(Check("0.0.0.0:80", kNoDev, files_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("read by others")));
}

TEST_F(ListenAddressTest, ASocketWhereOthersWriteIsRefused) {
  ASSERT_EQ(chmod(directory_.c_str(), 01777), 0);
  // TempDir() can be longer than a socket's path may be; the link is not.
  char link[] = "/tmp/listen_XXXXXX";
  ASSERT_NE(mkdtemp(link), nullptr);
  const std::string path = absl::StrCat(link, "/d");
  ASSERT_EQ(symlink(directory_.c_str(), path.c_str()), 0);
  EXPECT_THAT(Check(absl::StrCat("unix:", path, "/s"), kNoDev, absl::nullopt),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("written by others")));
  unlink(path.c_str());
  rmdir(link);
}

}  // namespace
}  // namespace cloister::rpc
