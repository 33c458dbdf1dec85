#include "libs/os/seqpacket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

TEST(Seqpacket, CarriesBytesAndDescriptors) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  OwnedFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_THAT(SendPacket(pair->first.get(), "hello", {file.get(), file.get()}), IsOk());
  absl::StatusOr<Packet> packet = ReceivePacket(pair->second.get());
  ASSERT_THAT(packet, IsOk());
  EXPECT_EQ(packet->bytes, "hello");
  ASSERT_EQ(packet->fds.size(), 2u);
  EXPECT_NE(fcntl(packet->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Seqpacket, KeepsMessageBoundariesUpToTheLimit) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  const std::string large(kMaxPacketBytes, 'x');
  ASSERT_THAT(SendPacket(pair->first.get(), large), IsOk());
  ASSERT_THAT(SendPacket(pair->first.get(), "y"), IsOk());
  EXPECT_EQ(ReceivePacket(pair->second.get())->bytes, large);
  EXPECT_EQ(ReceivePacket(pair->second.get())->bytes, "y");
  EXPECT_THAT(SendPacket(pair->first.get(), large + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SendPacket(pair->first.get(), ""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Seqpacket, TellsEndOfFileFromNoMessage) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  ASSERT_EQ(fcntl(pair->second.get(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_THAT(ReceivePacket(pair->second.get()), StatusIs(absl::StatusCode::kUnavailable));
  pair->first.reset();
  EXPECT_THAT(ReceivePacket(pair->second.get()), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(SendPacket(pair->second.get(), "x"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(Seqpacket, ListenerIsPrivateAndKnowsItsPeer) {
  // Not TempDir(): under Bazel that alone is longer than a socket path may be.
  std::string directory = "/tmp/seqpacketXXXXXX";
  ASSERT_NE(mkdtemp(&directory[0]), nullptr);
  const std::string path = directory + "/s";
  absl::StatusOr<OwnedFd> listener = ListenSeqpacket(path);
  ASSERT_THAT(listener, IsOk());
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  absl::StatusOr<OwnedFd> client = ConnectSeqpacket(path);
  ASSERT_THAT(client, IsOk());
  absl::StatusOr<PeerCredentials> peer = GetPeerCredentials(client->get());
  ASSERT_THAT(peer, IsOk());
  EXPECT_EQ(peer->uid, geteuid());
  EXPECT_EQ(peer->pid, getpid());
  unlink(path.c_str());
  rmdir(directory.c_str());
}

TEST(Seqpacket, RefusesAPathThatDoesNotFit) {
  EXPECT_THAT(ListenSeqpacket("/tmp/" + std::string(108, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister
