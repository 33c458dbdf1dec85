#include "tools/cloister/dev_binaries.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using testing::HasSubstr;

class DevBinariesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "binariesXXXXXX";
    ASSERT_NE(mkdtemp(&root_[0]), nullptr);
  }

  void Put(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << "#!";
    ASSERT_EQ(chmod((root_ + path).c_str(), 0755), 0);
  }

  std::string root_;
};

TEST_F(DevBinariesTest, FindsThemWhereBazelBuildsThem) {
  for (const char* service : {"frontend", "executor", "launcher", "fetcher"}) {
    Put(std::string("/bin/services/") + service + "/cloister-" + service);
  }
  absl::StatusOr<DevBinaries> found = FindDevBinaries("", root_ + "/bin/tools/cloister/cloister");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->launcher, root_ + "/bin/services/launcher/cloister-launcher");
  EXPECT_THAT(FindDevBinaries(root_ + "/bin", "/elsewhere/cloister"), IsOk());
}

TEST_F(DevBinariesTest, FindsThemBesideItselfAndInLibexec) {
  for (const char* service : {"frontend", "executor", "launcher", "fetcher"}) {
    Put(std::string("/usr/libexec/cloister/cloister-") + service);
  }
  EXPECT_THAT(FindDevBinaries("", root_ + "/usr/bin/cloister"), IsOk());
  EXPECT_THAT(FindDevBinaries("", root_ + "/usr/libexec/cloister/cloister"), IsOk());
}

TEST_F(DevBinariesTest, NamesWhatIsMissing) {
  Put("/cloister-frontend");
  Put("/cloister-executor");
  EXPECT_THAT(FindDevBinaries(root_, ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(root_ + "/cloister-launcher")));
}

}  // namespace
}  // namespace cloister
