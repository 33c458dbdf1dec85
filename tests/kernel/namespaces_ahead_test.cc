// User namespaces made ahead: each is given out once, and is its range's.
#include "libs/launch/namespaces_ahead.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace launch {
namespace {

constexpr uint32_t kFirst = 1879048192;
constexpr uint32_t kCount = 65536;

ino_t Inode(const OwnedFd& file) {
  struct stat status;
  EXPECT_EQ(fstat(file.get(), &status), 0);
  return status.st_ino;
}

uid_t Maker(const OwnedFd& user_namespace) {
  uid_t uid = 0;
  EXPECT_EQ(ioctl(user_namespace.get(), NS_GET_OWNER_UID, &uid), 0);
  return uid;
}

TEST(NamespacesAhead, EachIsGivenOutOnceAndMadeByItsFirstId) {
  NamespacesAhead ahead(4);
  std::vector<OwnedFd> taken;
  std::set<ino_t> inodes;
  for (uint32_t at : {0, 1, 2, 3, 3, 2, 4, 50, 0, 0, 51}) {
    const uint32_t first = kFirst + at * kCount;
    absl::StatusOr<OwnedFd> made = ahead.Take(first, kCount);
    ASSERT_THAT(made, IsOk()) << at;
    EXPECT_EQ(Maker(*made), first) << at;
    EXPECT_TRUE(inodes.insert(Inode(*made)).second) << at;
    taken.push_back(*std::move(made));
    ahead.AwaitReady();
  }
}

TEST(NamespacesAhead, AnotherSizeOfRangesStartsAnew) {
  NamespacesAhead ahead(4);
  ASSERT_THAT(ahead.Take(kFirst, kCount), IsOk());
  ahead.AwaitReady();
  const absl::StatusOr<OwnedFd> other = ahead.Take(kFirst + kCount, kCount / 2);
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(Maker(*other), kFirst + kCount);
}

TEST(NamespacesAhead, EndsAtTheLastIds) {
  NamespacesAhead ahead(4);
  ASSERT_THAT(ahead.Take(UINT32_MAX - 2 * kCount, kCount), IsOk());
  ahead.AwaitReady();
  EXPECT_THAT(ahead.Take(UINT32_MAX - kCount, kCount), IsOk());
}

TEST(NamespacesAhead, WhatCannotBeMadeIsAnErrorOfTheOneThatAsks) {
  NamespacesAhead ahead(4);
  EXPECT_FALSE(ahead.Take(kFirst, 0).ok()) << "a range of no ids";
  EXPECT_THAT(ahead.Take(kFirst, kCount), IsOk());
}

}  // namespace
}  // namespace launch
}  // namespace cloister
