#include "libs/chroot/command_lookup.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::chroot {
namespace {

using ::testing::ElementsAre;

TEST(CommandCandidates, AnAbsoluteCommandIsItselfOnly) {
  EXPECT_THAT(CommandCandidates("/bin/sh"), ElementsAre("/bin/sh"));
  EXPECT_THAT(CommandCandidates("/usr/../bin//sh"), ElementsAre("/usr/../bin//sh"));
}

TEST(CommandCandidates, ANameIsSearchedInTheOrderOfThePage) {
  EXPECT_THAT(CommandCandidates("web"),
              ElementsAre("/local/web", "/web", "/usr/local/bin/web", "/usr/bin/web", "/bin/web"));
}

TEST(CommandCandidates, ARelativePathIsNotSearchedInTheSystemsDirectories) {
  EXPECT_THAT(CommandCandidates("app/bin/web"), ElementsAre("/local/app/bin/web", "/app/bin/web"));
  EXPECT_THAT(CommandCandidates("./web"), ElementsAre("/local/./web", "/./web"));
}

}  // namespace
}  // namespace cloister::chroot
