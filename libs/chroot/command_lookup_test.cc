#include "libs/chroot/command_lookup.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::chroot {
namespace {

using ::testing::ElementsAre;

TEST(CommandCandidates, AnAbsoluteCommandIsSearchedInTheOrderOfThePage) {
  EXPECT_THAT(CommandCandidates("/bin/sh", {}), ElementsAre("/local/bin/sh", "/bin/sh"));
  EXPECT_THAT(CommandCandidates("/usr/../bin//sh", {"/data"}),
              ElementsAre("/local/usr/../bin//sh", "/usr/../bin//sh"));
}

TEST(CommandCandidates, VolumesComeAfterTheRootInTheirOrder) {
  EXPECT_THAT(CommandCandidates("web", {"/srv", "/local/a"}),
              ElementsAre("/local/web", "/web", "/srv/web", "/local/a/web", "/usr/local/bin/web",
                          "/usr/bin/web", "/bin/web"));
  EXPECT_THAT(CommandCandidates("bin/web", {"/srv"}),
              ElementsAre("/local/bin/web", "/bin/web", "/srv/bin/web"));
}

TEST(CommandCandidates, WhatIsLongerThanAPathIsLeftOut) {
  EXPECT_THAT(CommandCandidates(std::string(4080, 'c'), {"/" + std::string(50, 'v')}).size(), 5u);
}

TEST(CommandCandidates, ANameIsSearchedInTheOrderOfThePage) {
  EXPECT_THAT(CommandCandidates("web", {}),
              ElementsAre("/local/web", "/web", "/usr/local/bin/web", "/usr/bin/web", "/bin/web"));
}

TEST(CommandCandidates, ARelativePathIsNotSearchedInTheSystemsDirectories) {
  EXPECT_THAT(CommandCandidates("app/bin/web", {}),
              ElementsAre("/local/app/bin/web", "/app/bin/web"));
  EXPECT_THAT(CommandCandidates("./web", {}), ElementsAre("/local/./web", "/./web"));
}

}  // namespace
}  // namespace cloister::chroot
