// Owners of what is unpacked, adopted and copied: root may give files away.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/artifact/adopt_tree.h"
#include "libs/artifact/copy_tree.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/unpack.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

constexpr TreeOwner kOwner = {1234, 4321};

class TreeOwnerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() == 0) return;
    if (getenv("CLOISTER_REQUIRE_ROOT") != nullptr) FAIL() << "not root";
    GTEST_SKIP() << "needs root";
  }

  void ExpectOwned(const std::string& path) {
    struct stat facts;
    ASSERT_EQ(lstat((place_.path() + "/" + path).c_str(), &facts), 0) << path;
    EXPECT_EQ(facts.st_uid, kOwner.uid) << path;
    EXPECT_EQ(facts.st_gid, kOwner.gid) << path;
  }

  ScratchDirectory place_;
};

TEST_F(TreeOwnerTest, WhatIsUnpackedIsTheNamedOwners) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("d").File("d/f", "x", 0755).File("i/g", "").Symlink("l", "d");
  UnpackOptions options;
  options.owner = kOwner;
  ASSERT_THAT(Unpack(builder.Build().get(), ArchiveFormat::kTar, place_.fd(), options), IsOk());
  for (const char* path : {"d", "d/f", "i", "i/g", "l"}) ExpectOwned(path);
  EXPECT_EQ(place_.List()["d/f"], "f755 x");
}

TEST_F(TreeOwnerTest, WhatIsAdoptedIsTheNamedOwners) {
  place_.Write("tree/d/f", "", 04755);
  place_.Link("tree/l", "d");
  AdoptOptions options;
  options.owner = kOwner;
  ASSERT_THAT(AdoptTree(place_.Open("tree").get(), options), IsOk());
  for (const char* path : {"tree", "tree/d", "tree/d/f", "tree/l"}) ExpectOwned(path);
  EXPECT_EQ(place_.List()["tree/d/f"], "f755 ");
}

TEST_F(TreeOwnerTest, ACopyAndTheWayToItAreTheTasks) {
  ScratchDirectory source;
  source.Write("bin/tool", "x", 0755);
  source.Link("link", "bin/tool");
  CopyOptions options;
  options.owner = kOwner;
  ASSERT_THAT(CopyTree(source.fd(), place_.fd(), "x/app", options), IsOk());
  for (const char* path : {"x", "x/app", "x/app/bin", "x/app/bin/tool", "x/app/link"})
    ExpectOwned(path);
  EXPECT_EQ(place_.List()["x/app/bin/tool"], "f755 x");
}

}  // namespace
}  // namespace cloister::artifact
