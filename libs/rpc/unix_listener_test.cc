#include "libs/rpc/unix_listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

sockaddr_un SocketAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

bool Answers(const std::string& path, int type = SOCK_STREAM) {
  const OwnedFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = SocketAddress(path);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// A bound socket; the file stays when it is closed.
OwnedFd Bind(const std::string& path, int type = SOCK_STREAM) {
  OwnedFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = SocketAddress(path);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

class UnixListenerTest : public ::testing::Test {
 protected:
  // Not in TempDir(), whose path can be longer than a socket's may be.
  UnixListenerTest() {
    EXPECT_NE(mkdtemp(directory_), nullptr);
    path_ = absl::StrCat(directory_, "/s");
  }
  ~UnixListenerTest() override {
    unlink(path_.c_str());
    EXPECT_EQ(rmdir(directory_), 0) << "something was left in " << directory_;
  }

  char directory_[32] = "/tmp/unix_listener_XXXXXX";
  std::string path_;
};

TEST_F(UnixListenerTest, ListensWithMode0600WhateverTheUmask) {
  const mode_t before = umask(0);
  const auto listener = UnixListener::Listen(path_);
  umask(before);
  ASSERT_THAT(listener, IsOk());
  struct stat info;
  ASSERT_EQ(lstat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600);
  EXPECT_TRUE(Answers(path_));
}

TEST_F(UnixListenerTest, MayBeOpenToAllWhateverTheUmask) {
  const mode_t before = umask(0077);
  const auto listener = UnixListener::Listen(path_, SocketAccess::kEverybody);
  umask(before);
  ASSERT_THAT(listener, IsOk());
  struct stat info;
  ASSERT_EQ(lstat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0666);
}

TEST_F(UnixListenerTest, DescriptorsDoNotReachProgramsThatWeExecute) {
  const auto listener = UnixListener::Listen(path_);
  ASSERT_THAT(listener, IsOk());
  EXPECT_NE(fcntl((*listener)->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(UnixListenerTest, RemovesItsFileAtTheEnd) {
  { ASSERT_THAT(UnixListener::Listen(path_), IsOk()); }
  EXPECT_FALSE(Exists(path_));
}

TEST_F(UnixListenerTest, ASocketOfADeadProcessIsReplaced) {
  { Bind(path_); }
  ASSERT_TRUE(Exists(path_));
  const auto listener = UnixListener::Listen(path_);
  ASSERT_THAT(listener, IsOk());
  EXPECT_TRUE(Answers(path_));
}

TEST_F(UnixListenerTest, ASocketOnWhichSomebodyListensIsLeftAlone) {
  const auto first = UnixListener::Listen(path_);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(UnixListener::Listen(path_),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("another process listens")));
  EXPECT_TRUE(Answers(path_));
}

TEST_F(UnixListenerTest, ASocketWithAFullBacklogIsLeftAlone) {
  const OwnedFd busy = Bind(path_);
  ASSERT_EQ(listen(busy.get(), 0), 0);
  std::vector<OwnedFd> waiting;
  const sockaddr_un address = SocketAddress(path_);
  do {
    waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  } while (connect(waiting.back().get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address)) == 0);
  ASSERT_EQ(errno, EAGAIN);
  EXPECT_THAT(UnixListener::Listen(path_), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(Exists(path_));
}

TEST_F(UnixListenerTest, ASocketOfAnotherKindIsLeftAlone) {
  const OwnedFd datagrams = Bind(path_, SOCK_DGRAM);
  EXPECT_THAT(UnixListener::Listen(path_), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(Answers(path_, SOCK_DGRAM));
}

TEST_F(UnixListenerTest, AFileIsLeftAlone) {
  { const OwnedFd file(open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }
  EXPECT_THAT(UnixListener::Listen(path_),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("no socket")));
  EXPECT_TRUE(Exists(path_));
}

TEST_F(UnixListenerTest, ALinkToASocketIsLeftAlone) {
  const std::string target = absl::StrCat(directory_, "/target");
  { Bind(target); }
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_THAT(UnixListener::Listen(path_), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(Exists(target));
  unlink(target.c_str());
}

TEST_F(UnixListenerTest, AFileThatTookItsPlaceIsNotRemoved) {
  {
    const auto listener = UnixListener::Listen(path_);
    ASSERT_THAT(listener, IsOk());
    ASSERT_EQ(unlink(path_.c_str()), 0);
    const OwnedFd file(open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
  EXPECT_TRUE(Exists(path_));
}

TEST_F(UnixListenerTest, OfManyThatStartAtOnceOneWins) {
  { Bind(path_); }  // Stale: each would like to remove it.
  constexpr int kThreads = 8;
  std::vector<std::unique_ptr<UnixListener>> listeners(kThreads);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      auto listener = UnixListener::Listen(path_);
      if (listener.ok()) {
        listeners[i] = *std::move(listener);
      } else {
        EXPECT_THAT(listener, StatusIs(absl::StatusCode::kAlreadyExists));
        ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, kThreads - 1);
  EXPECT_TRUE(Answers(path_));
}

TEST_F(UnixListenerTest, ADirectoryWhoseLockSomebodyKeepsIsReported) {
  const OwnedFd directory(open(directory_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(directory.get(), LOCK_EX), 0);
  EXPECT_THAT(UnixListener::Listen(path_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("held the lock")));
}

TEST_F(UnixListenerTest, APathThatIsTooLongIsRefused) {
  EXPECT_FALSE(UnixListener::Listen(absl::StrCat(directory_, "/", std::string(108, 'x'))).ok());
}

TEST_F(UnixListenerTest, ADirectoryThatIsNotThereIsReported) {
  EXPECT_THAT(UnixListener::Listen(absl::StrCat(directory_, "/none/s")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/")));
}

}  // namespace
}  // namespace cloister::rpc
