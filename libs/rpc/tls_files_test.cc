#include "libs/rpc/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() : directory_(MakeDirectory()), ca_(*TestCa::Create(directory_)) {
    files_ = *ca_.Issue("node", "n1");
  }

  static std::string MakeDirectory() {
    std::string directory = absl::StrCat(::testing::TempDir(), "/tls_XXXXXX");
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    return directory;
  }

  std::string Write(absl::string_view name, absl::string_view contents) {
    const std::string path = absl::StrCat(directory_, "/", name);
    std::ofstream(path) << contents;
    EXPECT_EQ(chmod(path.c_str(), 0600), 0);
    return path;
  }

  static std::string Read(const std::string& path) {
    std::stringstream contents;
    contents << std::ifstream(path).rdbuf();
    return contents.str();
  }

  void ExpectRefused(absl::StatusCode code, absl::string_view why) {
    EXPECT_THAT(CheckTlsFiles(files_, absl::Now()), StatusIs(code, HasSubstr(std::string(why))));
  }

  const std::string directory_;
  const TestCa ca_;
  TlsFiles files_;
};

TEST_F(TlsFilesTest, FitFilesTellOurName) {
  const absl::StatusOr<Principal> principal = CheckTlsFiles(files_, absl::Now());
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->ToString(), "node/n1");
}

TEST_F(TlsFilesTest, AFileThatIsNotNamedIsRefused) {
  const TlsFiles all = files_;
  files_.certificate.clear();
  ExpectRefused(absl::StatusCode::kInvalidArgument, "no certificate is named");
  files_ = all;
  files_.key.clear();
  ExpectRefused(absl::StatusCode::kInvalidArgument, "no key is named");
  files_ = all;
  files_.authority.clear();
  ExpectRefused(absl::StatusCode::kInvalidArgument, "no authority is named");
}

TEST_F(TlsFilesTest, AFileThatIsNotThereIsRefusedByName) {
  files_.key = absl::StrCat(directory_, "/nothing.key");
  EXPECT_THAT(
      CheckTlsFiles(files_, absl::Now()),
      StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("the key"), HasSubstr("/nothing.key"),
                                                  HasSubstr("no such file or directory"))));
}

TEST_F(TlsFilesTest, ADirectoryIsRefused) {
  files_.authority = directory_;
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "is not a regular file");
}

TEST_F(TlsFilesTest, AKeyThatOthersCanReadIsRefused) {
  // Root's key may be read by its group, and only read.
  const mode_t group_read = geteuid() == 0 ? 0 : 0640;
  for (mode_t mode : {0604, 0644, 0602, 0660, 0620, 0610, 0777, static_cast<int>(group_read)}) {
    if (mode == 0) continue;
    ASSERT_EQ(chmod(files_.key.c_str(), mode), 0);
    ExpectRefused(absl::StatusCode::kFailedPrecondition, "can be read by others");
  }
  ASSERT_EQ(chmod(files_.key.c_str(), 0400), 0);
  EXPECT_THAT(CheckTlsFiles(files_, absl::Now()), IsOk());
}

TEST_F(TlsFilesTest, AGroupMayReadAKeyOfRoots) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to own a file as root";
  ASSERT_EQ(chmod(files_.key.c_str(), 0640), 0);
  EXPECT_THAT(CheckTlsFiles(files_, absl::Now()), IsOk());
}

TEST_F(TlsFilesTest, FilesWithoutPemAreRefused) {
  const TlsFiles all = files_;
  files_.certificate = Write("garbage", "no PEM here");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "holds no PEM certificate");
  files_ = all;
  files_.authority = Write("garbage", "");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "holds no PEM certificate");
  files_ = all;
  files_.key = Write("garbage", Read(all.certificate));
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "holds no unencrypted PEM private key");
}

TEST_F(TlsFilesTest, AnEncryptedKeyIsRefusedWithoutAskingForThePassphrase) {
  files_.key = Write("encrypted.key",
                     "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
                     "-----END ENCRYPTED PRIVATE KEY-----\n");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "unencrypted");
}

TEST_F(TlsFilesTest, AHugeFileIsRefused) {
  files_.authority = Write("huge", std::string((1 << 20) + 1, 'x'));
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "longer than a megabyte");
}

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateIsRefused) {
  files_.key = ca_.Issue("node", "n2")->key;
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "is not that of the certificate");
}

TEST_F(TlsFilesTest, ACertificateOutOfItsTimeIsRefused) {
  EXPECT_THAT(CheckTlsFiles(files_, absl::Now() + absl::Hours(48)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has expired")));
  EXPECT_THAT(CheckTlsFiles(files_, absl::Now() - absl::Hours(48)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not valid yet")));
}

TEST_F(TlsFilesTest, ACertificateOfAnotherAuthorityIsRefused) {
  files_.authority = TestCa::Create(MakeDirectory())->authority();
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "is not good for the authority");
}

TEST_F(TlsFilesTest, ACertificateWithoutRoleIsRefused) {
  files_ = *ca_.IssueWith("web", {{"https://example.com"}});
  const absl::StatusOr<Principal> principal = CheckTlsFiles(files_, absl::Now());
  EXPECT_EQ(GetReason(principal.status()), "CERTIFICATE_WITHOUT_ROLE");
  EXPECT_THAT(principal, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("web.crt")));
}

TEST_F(TlsFilesTest, SeveralAuthoritiesMayStandInOneFile) {
  const std::string other = Read(TestCa::Create(MakeDirectory())->authority());
  files_.authority = Write("both.crt", absl::StrCat(other, Read(files_.authority)));
  EXPECT_THAT(CheckTlsFiles(files_, absl::Now()), IsOk());
}

}  // namespace
}  // namespace cloister::rpc
