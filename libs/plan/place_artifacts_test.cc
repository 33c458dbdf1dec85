#include "libs/plan/place_artifacts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::plan {
namespace {

using internal::ArtifactPlan;
using internal::Mount;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlaceArtifactsTest : public testing::Test {
 protected:
  // One that has come, with these entries; a name that ends in '/' is a directory.
  ArtifactPlan* Add(const std::string& home, const std::vector<std::string>& entries) {
    ArtifactPlan* plan = plans_.Add();
    plan->set_home(home);
    plan->set_directory("/" + home);
    FetchedArtifact fetched;
    fetched.outside = absl::StrCat("/cache/", fetched_.size());
    fetched.device = 1;
    fetched.inode = 100 + fetched_.size();
    for (const std::string& name : entries) {
      const bool is_directory = name.back() == '/';
      fetched.entries.push_back(
          {is_directory ? name.substr(0, name.size() - 1) : name, is_directory, false, 1, 7});
    }
    fetched_.push_back(fetched);
    return plan;
  }
  std::vector<std::string> Mounts() {
    std::vector<std::string> words;
    for (const Mount& mount : PlaceArtifacts(plans_, fetched_).mounts) {
      EXPECT_EQ(mount.kind(), Mount::KIND_CACHED);
      EXPECT_TRUE(mount.read_only());
      words.push_back(
          absl::StrCat(mount.outside(), " on ", mount.inside(), " at ", mount.mount_point()));
    }
    return words;
  }
  std::vector<size_t> Copies() { return PlaceArtifacts(plans_, fetched_).copies; }

  google::protobuf::RepeatedPtrField<ArtifactPlan> plans_;
  std::vector<FetchedArtifact> fetched_;
};

TEST_F(PlaceArtifactsTest, InADirectoryOfEveryTaskEachEntryIsMountedBesideWhatIsThere) {
  Add("local", {"a", "b/"});
  EXPECT_THAT(Mounts(), ElementsAre("/cache/0/a on /local/a at local/a",
                                    "/cache/0/b on /local/b at local/b"));
  EXPECT_THAT(Copies(), IsEmpty());
}

TEST_F(PlaceArtifactsTest, ADirectoryOfItsOwnIsMountedWhole) {
  Add("local/app", {"a", "b/", "c"});
  EXPECT_THAT(Mounts(), ElementsAre("/cache/0 on /local/app at local/app"));
}

TEST_F(PlaceArtifactsTest, AFileIsMountedUnderTheNameThatIsAskedFor) {
  Add("local/bin", {"tool-1.2"})->set_file_name("tool");
  EXPECT_THAT(Mounts(), ElementsAre("/cache/0/tool-1.2 on /local/bin/tool at local/bin/tool"));
}

TEST_F(PlaceArtifactsTest, WhatTheTaskIsToOwnIsCopied) {
  Add("local/app", {"a"})->set_chown(true);
  Add("local", {"b"})->set_cache(ArtifactPlan::CACHE_OFF);
  Add("tmp", {"c"});
  fetched_.back().copy = true;
  EXPECT_THAT(Mounts(), IsEmpty());
  EXPECT_THAT(Copies(), ElementsAre(0, 1, 2));
}

TEST_F(PlaceArtifactsTest, WhatGoesIntoSecretsIsNeitherMountedNorCopiedOutside) {
  Add("secrets", {"key"});
  Add("secrets/tls", {"cert"})->set_chown(true);
  Add("secretstore", {"x"});
  const ArtifactPlacement placement = PlaceArtifacts(plans_, fetched_);
  EXPECT_THAT(placement.secrets, ElementsAre(0, 1));
  EXPECT_THAT(placement.copies, IsEmpty());
  EXPECT_THAT(Mounts(), ElementsAre("/cache/2 on /secretstore at secretstore"));
}

TEST_F(PlaceArtifactsTest, WhatMeetsADirectoryOfEveryTaskIsMergedIntoIt) {
  Add("alloc", {"data/"});
  Add("alloc", {"other/"});
  EXPECT_THAT(Copies(), ElementsAre(0));
}

TEST_F(PlaceArtifactsTest, ALinkIsCopiedUnlessItLiesInADirectoryThatIsMounted) {
  Add("local", {"link"});
  fetched_.back().entries.front().is_link = true;
  Add("tmp/x", {"link"});
  fetched_.back().entries.front().is_link = true;
  EXPECT_THAT(Copies(), ElementsAre(0));
}

TEST_F(PlaceArtifactsTest, TwoOfOneNameAreMergedInTheirOrder) {
  Add("local", {"bin/", "x"});
  Add("local", {"bin/"});
  Add("local", {"y"});
  EXPECT_THAT(Copies(), ElementsAre(0, 1));
  EXPECT_THAT(Mounts(), ElementsAre("/cache/2/y on /local/y at local/y"));
}

TEST_F(PlaceArtifactsTest, TwoOfOneDirectoryWithoutACommonNameAreMountedEntryByEntry) {
  Add("local/app", {"a"});
  Add("local/app", {"b"});
  EXPECT_THAT(Copies(), IsEmpty());
  EXPECT_THAT(Mounts(), ElementsAre("/cache/0/a on /local/app/a at local/app/a",
                                    "/cache/1/b on /local/app/b at local/app/b"));
}

TEST_F(PlaceArtifactsTest, OneThatLiesInAnotherIsCopiedLikeIt) {
  Add("local", {"app/"});
  Add("local/app", {"b"});
  EXPECT_THAT(Copies(), ElementsAre(0, 1));
}

TEST_F(PlaceArtifactsTest, OneBelowAnotherThatHasNothingThereIsMounted) {
  Add("local", {"other/"});
  Add("local/app", {"b"});
  EXPECT_THAT(Mounts(), ElementsAre("/cache/0/other on /local/other at local/other",
                                    "/cache/1 on /local/app at local/app"));
}

TEST_F(PlaceArtifactsTest, OneOfMoreEntriesThanThereAreMountsIsCopied) {
  std::vector<std::string> many;
  for (size_t i = 0; i <= kMaxCachedMounts; ++i) many.push_back(absl::StrCat("f", i));
  Add("local", many);
  Add("local", {"a"});
  EXPECT_THAT(Copies(), ElementsAre(0));
  EXPECT_THAT(Mounts(), ElementsAre("/cache/1/a on /local/a at local/a"));
}

}  // namespace
}  // namespace cloister::plan
