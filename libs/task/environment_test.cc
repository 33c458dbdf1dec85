#include "libs/task/environment.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::task {
namespace {

using ::testing::ElementsAre;

ResolvedUser Nobody() {
  ResolvedUser user;
  user.name = "nobody";
  user.uid = 65534;
  user.home = "/nonexistent";
  return user;
}

TEST(Environment, IsExactlyTheFourForATaskThatAsksForNone) {
  EXPECT_THAT(MakeEnvironment({}, Nobody()),
              ElementsAre("HOME=/nonexistent", "LOGNAME=nobody",
                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "USER=nobody"));
}

TEST(Environment, HoldsWhatTheTaskAskedForInOrderOfNames) {
  EXPECT_THAT(MakeEnvironment({{"ZONE", "a=b"}, {"A", ""}, {"PATH", "/bin"}}, Nobody()),
              ElementsAre("A=", "HOME=/nonexistent", "LOGNAME=nobody", "PATH=/bin", "USER=nobody",
                          "ZONE=a=b"));
}

TEST(Environment, WhoTheTaskIsCannotBeOverridden) {
  EXPECT_THAT(
      MakeEnvironment({{"HOME", "/root"}, {"USER", "root"}, {"LOGNAME", "root"}, {"PATH", ""}},
                      Nobody()),
      ElementsAre("HOME=/nonexistent", "LOGNAME=nobody", "PATH=", "USER=nobody"));
  EXPECT_TRUE(IsSetByNode("HOME"));
  EXPECT_FALSE(IsSetByNode("PATH"));
  EXPECT_FALSE(IsSetByNode("HOMES"));
}

}  // namespace
}  // namespace cloister::task
