#include "libs/artifact/subdirectory.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

class SubdirectoryTest : public testing::Test {
 protected:
  SubdirectoryTest() {
    place_.Write("tree/app-1.2/bin/tool", "x");
    place_.Write("tree/app-1.2/conf/a", "");
    place_.Write("tree/lib-1/.hidden/b", "");
    place_.Write("tree/lib-2/b", "");
    place_.Write("secret/key", "");
    place_.Link("tree/out", "../secret");
    place_.Link("tree/in", "app-1.2");
    place_.Link("tree/root", "/");
    tree_ = place_.Open("tree");
  }

  std::string Path(const std::string& subdir) {
    const auto selected = SelectSubdirectory(tree_.get(), subdir);
    return selected.ok() ? selected->path : std::string(selected.status().message());
  }

  ScratchDirectory place_;
  OwnedFd tree_;
};

TEST_F(SubdirectoryTest, NamesAndGlobsSelectOne) {
  EXPECT_EQ(Path(""), "");
  EXPECT_EQ(Path("app-1.2/bin"), "app-1.2/bin");
  EXPECT_EQ(Path("app-*/b?n"), "app-1.2/bin");
  EXPECT_EQ(Path("lib-[2]"), "lib-2");
  const auto file = SelectSubdirectory(tree_.get(), "app-1.2/bin/tool");
  ASSERT_THAT(file, IsOk());
  EXPECT_FALSE(file->is_directory);
}

TEST_F(SubdirectoryTest, AGlobMatchesOneOrIsRefused) {
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "lib-*"),
              StatusIs(kInvalid, HasSubstr("2 entries match 'lib-*'")));
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "x*"),
              StatusIs(kNotFound, HasSubstr("nothing matches 'x*'")));
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "lib-1/*"), StatusIs(kNotFound));
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "app-1.2/nothing"), StatusIs(kNotFound));
}

TEST_F(SubdirectoryTest, LinksAreNotFollowedWhereverTheyLead) {
  for (const char* subdir :
       {"out", "out/key", "in", "in/bin", "root", "root/etc", "roo*", "ou?/key"})
    EXPECT_THAT(SelectSubdirectory(tree_.get(), subdir), StatusIs(kInvalid, HasSubstr("is a link")))
        << subdir;
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "../secret"), StatusIs(kInvalid));
  EXPECT_THAT(SelectSubdirectory(tree_.get(), "app-1.2/bin/tool/x"),
              StatusIs(kInvalid, HasSubstr("no directory")));
}

}  // namespace
}  // namespace cloister::artifact
