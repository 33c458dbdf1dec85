#include "libs/launch/own_directories.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister {
namespace launch {
namespace {

TEST(RestBeneath, IsWhatComesAfterTheDirectory) {
  EXPECT_STREQ(RestBeneath("/local/bin/x", "/local"), "bin/x");
  EXPECT_STREQ(RestBeneath("/local//./x", "/local"), "./x");
  // For openat2(2) to refuse.
  EXPECT_STREQ(RestBeneath("/local/../usr/bin/x", "/local"), "../usr/bin/x");
}

TEST(RestBeneath, IsNothingForTheDirectoryItselfAndForOthers) {
  for (const char* path :
       {"", "/", "/local", "/local/", "/localx/y", "/loc", "local/x", "/usr/x"}) {
    EXPECT_EQ(RestBeneath(path, "/local"), nullptr) << path;
  }
}

}  // namespace
}  // namespace launch
}  // namespace cloister
