#include "libs/cgroup/delegation.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cloister::cgroup {
namespace {

TEST(MayDivide, TakesTheDirectoryAndBothOfItsFiles) {
  const std::string path = absl::StrCat(getenv("TEST_TMPDIR"), "/scope");
  EXPECT_FALSE(MayDivide(path));
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  EXPECT_FALSE(MayDivide(path));
  std::ofstream(absl::StrCat(path, "/cgroup.procs")) << "";
  EXPECT_FALSE(MayDivide(path));
  std::ofstream(absl::StrCat(path, "/cgroup.subtree_control")) << "";
  EXPECT_TRUE(MayDivide(path));
}

}  // namespace
}  // namespace cloister::cgroup
