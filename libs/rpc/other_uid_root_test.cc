// What other users of the machine can do to us: only root can be another user to find out.

#include <errno.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"
#include "libs/rpc/tls_files.h"
#include "libs/rpc/unix_listener.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kStranger = 12345;
constexpr uid_t kFriend = 12346;
constexpr uid_t kOverflow = 65534;

class OtherUidTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() == 0) return;
    if (getenv("CLOISTER_REQUIRE_ROOT") != nullptr) FAIL() << "this test needs root";
    GTEST_SKIP() << "needs root to be another user";
  }

  void Start(std::vector<uid_t> allowed_uids) {
    ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
    ProbeServer::Setup setup;
    setup.options.listen = {directory_.Socket()};
    setup.peers = {0, kOverflow, std::move(allowed_uids)};
    auto server = ProbeServer::Start(std::move(setup));
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  // The errno of connecting as this user, and the socket.
  std::pair<int, OwnedFd> ConnectAs(uid_t uid) {
    std::pair<int, OwnedFd> result;
    const std::string path = directory_.Socket().path();
    // Raw: the system call changes this thread only, glibc's function would change all.
    std::thread([&] {
      ASSERT_EQ(syscall(SYS_setresuid, -1, uid, -1), 0);
      OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address = {};
      address.sun_family = AF_UNIX;
      strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
      const int connected =
          connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
      result.first = connected == 0 ? 0 : errno;
      result.second = std::move(fd);
    }).join();
    return result;
  }

  absl::StatusOr<probe::EchoResponse> EchoAs(uid_t uid, const char* for_principal = nullptr) {
    auto [error, fd] = ConnectAs(uid);
    EXPECT_EQ(error, 0);
    const auto stub =
        probe::ProbeService::NewStub(grpc::CreateInsecureChannelFromFd("unix:x", fd.Release()));
    grpc::ClientContext context;
    if (for_principal != nullptr) context.AddMetadata("cloister-principal", for_principal);
    probe::EchoResponse response;
    const absl::Status status =
        FromGrpcStatus(stub->Echo(&context, probe::EchoRequest(), &response));
    if (!status.ok()) return status;
    return response;
  }

  ShortDirectory directory_;
  std::unique_ptr<ProbeServer> server_;
};

TEST_F(OtherUidTest, TheModeOfTheSocketKeepsOthersOut) {
  Start({});
  EXPECT_EQ(ConnectAs(kStranger).first, EACCES);
  EXPECT_EQ(EchoAs(0)->caller(), "uid:0");
}

TEST_F(OtherUidTest, AnAllowedUidIsLetInAndOthersAreNot) {
  Start({kFriend});
  const auto response = EchoAs(kFriend);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->caller(), "uid:12346");
  EXPECT_THAT(EchoAs(kStranger), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(EchoAs(kOverflow), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_->server().connections().refused_peer, 2u);
  EXPECT_EQ(server_->probe().calls(), 1);
}

TEST_F(OtherUidTest, AnAllowedUidIsNotBelievedOnWhomItCallsFor) {
  Start({kFriend});
  const auto refused = EchoAs(kFriend, "client/alice");
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetReason(refused.status()), "PRINCIPAL_NOT_BELIEVED");
  EXPECT_EQ(EchoAs(0, "client/alice")->principal(), "client/alice");
}

TEST_F(OtherUidTest, EachCallKnowsTheUserOfItsOwnConnection) {
  Start({kFriend, kStranger});
  for (int i = 0; i < 50; ++i) {
    const uid_t uid = i % 2 == 0 ? kFriend : kStranger;
    const auto response = EchoAs(uid);
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response->caller(), i % 2 == 0 ? "uid:12346" : "uid:12345");
  }
}

TEST_F(OtherUidTest, ASocketFileOfAnotherUserIsLeftAlone) {
  const std::string path = directory_.Socket().path();
  {
    const OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ASSERT_EQ(chown(path.c_str(), kStranger, kStranger), 0);
  EXPECT_THAT(UnixListener::Listen(path),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("uid 12345")));
  struct stat info;
  EXPECT_EQ(stat(path.c_str(), &info), 0);
}

TEST_F(OtherUidTest, ADirectoryOfAnotherUserIsNotListenedIn) {
  ASSERT_EQ(chown(directory_.path().c_str(), kStranger, kStranger), 0);
  EXPECT_THAT(ProbeServer::Start(directory_.Socket()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("uid 12345")));
}

TEST_F(OtherUidTest, AKeyOfAnotherUserIsRefused) {
  const TlsFiles files = *TestCa::Create(directory_.path())->Issue("node", "n1");
  ASSERT_EQ(chown(files.key.c_str(), kStranger, kStranger), 0);
  EXPECT_THAT(CheckTlsFiles(files, absl::Now()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("belongs to uid 12345")));
}

}  // namespace
}  // namespace cloister::rpc
