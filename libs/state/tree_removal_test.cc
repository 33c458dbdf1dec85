#include "libs/state/tree_removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TreeRemovalTest : public testing::Test {
 protected:
  void SetUp() override {
    // In memory: a hundred thousand directories take minutes on a disk that is told of each freed
    // block.
    base_ = (access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : testing::TempDir()) + "treeXXXXXX";
    ASSERT_NE(mkdtemp(&base_[0]), nullptr);
    path_ = base_ + "/victim";
    ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
    top_ = *OpenDirectory(path_);
    canary_ = base_ + "/canary";
    ASSERT_EQ(mkdir(canary_.c_str(), 0700), 0);
    std::ofstream(canary_ + "/file") << "alive";
  }

  void TearDown() override {
    EXPECT_EQ(access((canary_ + "/file").c_str(), F_OK), 0) << "something outside was removed";
    (void)unlink((canary_ + "/file").c_str());
    (void)rmdir(canary_.c_str());
    (void)rmdir(path_.c_str());
    EXPECT_EQ(rmdir(base_.c_str()), 0);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    DIR* stream = opendir(path_.c_str());
    while (const dirent* entry = readdir(stream)) {
      if (std::string(entry->d_name) != "." && std::string(entry->d_name) != "..") {
        names.emplace_back(entry->d_name);
      }
    }
    closedir(stream);
    return names;
  }

  void MakeDeep(const std::string& name, int levels) const {
    OwnedFd level = *OpenDirectory(path_);
    for (int i = 0; i < levels; ++i) {
      ASSERT_EQ(mkdirat(level.get(), name.c_str(), 0700), 0) << i;
      level = OwnedFd(openat(level.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    const OwnedFd leaf(openat(level.get(), "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(leaf.valid());
  }

  absl::Status Remove(absl::string_view kept = "") {
    return RemoveContents(top_.get(), path_, kept);
  }

  std::string base_;
  std::string path_;
  std::string canary_;
  OwnedFd top_;
};

TEST_F(TreeRemovalTest, RemovesAnEmptyOne) {
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Remove(), IsOk());
}

TEST_F(TreeRemovalTest, RemovesLinksAndNotWhatTheyPointTo) {
  ASSERT_EQ(symlink(canary_.c_str(), (path_ + "/link").c_str()), 0);
  ASSERT_EQ(symlink("../../canary", (path_ + "/up").c_str()), 0);
  ASSERT_EQ(symlink("/", (path_ + "/root").c_str()), 0);
  ASSERT_EQ(symlink("loop", (path_ + "/loop").c_str()), 0);
  ASSERT_EQ(symlink("/proc/self/root", (path_ + "/magic").c_str()), 0);
  ASSERT_EQ(mkdir((path_ + "/d").c_str(), 0700), 0);
  ASSERT_EQ(symlink(canary_.c_str(), (path_ + "/d/link").c_str()), 0);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, LeavesAHardLinkedFileOutsideAlive) {
  ASSERT_EQ(link((canary_ + "/file").c_str(), (path_ + "/hard").c_str()), 0);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, OpensNoFifoSocketOrUnreadableFile) {
  ASSERT_EQ(mkfifo((path_ + "/fifo").c_str(), 0600), 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string socket_path = absl::StrCat("/proc/self/fd/", top_.get(), "/socket");
  socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const OwnedFd bound(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(bound.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  std::ofstream(path_ + "/none") << "x";
  ASSERT_EQ(chmod((path_ + "/none").c_str(), 0), 0);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, ASliceRemovesItsShareAndSaysThatThereIsMore) {
  for (int i = 0; i < 25; ++i) std::ofstream(absl::StrCat(path_, "/", i)) << "x";
  EXPECT_THAT(RemoveSlice(top_.get(), path_, "", 10), IsOkAndHolds(Removal::kUnfinished));
  EXPECT_EQ(Names().size(), 15u);
  EXPECT_THAT(RemoveSlice(top_.get(), path_, "", 10), IsOkAndHolds(Removal::kUnfinished));
  EXPECT_THAT(RemoveSlice(top_.get(), path_, "", 10), IsOkAndHolds(Removal::kDone));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, SlicesComeToAnEndInADeepTree) {
  MakeDeep("d", 500);
  int slices = 0;
  for (absl::StatusOr<Removal> removal = Removal::kUnfinished; *removal == Removal::kUnfinished;) {
    removal = RemoveSlice(top_.get(), path_, "", 3);
    ASSERT_THAT(removal, IsOk());
    ASSERT_LT(++slices, 1000);
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, RemovesTheOddestNames) {
  const std::vector<std::string> names = {
      std::string(255, 'x'), "\n", " ", "...", "-rf", "\xff\xfe", "a\tb", "*"};
  for (const std::string& name : names) {
    ASSERT_EQ(mkdirat(top_.get(), name.c_str(), 0700), 0);
    const OwnedFd inner(openat(top_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const OwnedFd file(openat(inner.get(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(file.valid());
  }
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, KeepsTheEntryThatIsToStayAtTheTopOnly) {
  ASSERT_EQ(mkdir((path_ + "/d").c_str(), 0700), 0);
  std::ofstream(path_ + "/d/intent") << "x";
  std::ofstream(path_ + "/intent") << "x";
  std::ofstream(path_ + "/exit") << "x";
  EXPECT_THAT(Remove("intent"), IsOk());
  EXPECT_THAT(Names(), ElementsAre("intent"));
  EXPECT_THAT(Remove(), IsOk());
}

TEST_F(TreeRemovalTest, TakesAHundredThousandLevelsWithFewDescriptors) {
  MakeDeep("d", 100'000);
  // A descriptor per level would fail with EMFILE.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few = {64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_THAT(Remove(), IsOk());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, TakesDeepTreesOfTheLongestNames) {
  MakeDeep(std::string(255, 'n'), 300);
  MakeDeep(std::string(254, 'm'), 20);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, TakesABroadTree) {
  for (int d = 0; d < 20; ++d) {
    const std::string directory = absl::StrCat(path_, "/", d);
    ASSERT_EQ(mkdir(directory.c_str(), 0700), 0);
    for (int f = 0; f < 500; ++f) {
      const OwnedFd file(
          open(absl::StrCat(directory, "/", f).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      ASSERT_TRUE(file.valid());
    }
  }
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(TreeRemovalTest, IsNotConfusedByWhatABrokenOffRemovalLeft) {
  ASSERT_EQ(mkdir((path_ + "/.deep-1").c_str(), 0700), 0);
  std::ofstream(path_ + "/.deep-1/file") << "x";
  std::ofstream(path_ + "/.deep-2") << "x";
  MakeDeep("d", 100);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_THAT(Names(), IsEmpty());
}

}  // namespace
}  // namespace cloister::state
