#include "libs/engine/secret_copies.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::engine {
namespace {

using internal::Mount;
using testing::ElementsAre;
using testing::HasSubstr;

class SecretCopiesTest : public testing::Test {
 protected:
  absl::Status Add(const artifact::ScratchDirectory& content, const std::string& directory,
                   const std::string& file_name = "", bool chown = false) {
    internal::ArtifactPlan plan;
    plan.set_directory(directory);
    plan.set_file_name(file_name);
    plan.set_chown(chown);
    plan::FetchedArtifact fetched;
    fetched.outside = content.path();
    fetched.entries.resize(content.List().size());
    return copies_.Add(plan, fetched);
  }
  std::vector<std::string> Take() {
    std::vector<std::string> words;
    for (const Mount& copy : copies_.Take()) {
      EXPECT_EQ(copy.kind(), Mount::KIND_COPIED);
      EXPECT_EQ(copy.inode() != 0, !copy.outside().empty());
      const bool is_directory = copy.outside().empty() && copy.source().empty();
      words.push_back(absl::StrCat(copy.inside(), is_directory ? "/" : "",
                                   copy.source().empty() ? "" : " -> ", copy.source(),
                                   copy.owned() ? " owned" : ""));
    }
    return words;
  }
  static auto Refused(const std::string& why) {
    return StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(why));
  }

  SecretCopies copies_{64 << 10};
};

TEST_F(SecretCopiesTest, AFileHasItsOwnNameOrTheOneThatIsAskedFor) {
  artifact::ScratchDirectory content;
  content.Write("key.pem", "k", 0640);
  EXPECT_THAT(Add(content, "/secrets"), IsOk());
  EXPECT_THAT(Add(content, "/secrets/tls/a", "key", /*chown=*/true), IsOk());
  EXPECT_THAT(Take(), ElementsAre("/secrets/key.pem", "/secrets/tls/ owned",
                                  "/secrets/tls/a/ owned", "/secrets/tls/a/key owned"));
}

TEST_F(SecretCopiesTest, ATreeComesWithItsDirectoriesLinksAndModes) {
  artifact::ScratchDirectory content;
  content.Write("d/f", "1", 0600);
  content.Link("d/l", "f");
  EXPECT_THAT(Add(content, "/secrets"), IsOk());
  const std::vector<Mount> copies = copies_.Take();
  ASSERT_EQ(copies.size(), 3u);
  EXPECT_EQ(copies[1].inside(), "/secrets/d/f");
  EXPECT_EQ(copies[1].mode(), 0600u);
  EXPECT_EQ(copies[1].outside(), content.path() + "/d/f");
  EXPECT_EQ(copies[2].source(), "f");
}

TEST_F(SecretCopiesTest, TheLaterOneWinsFileByFile) {
  artifact::ScratchDirectory first;
  artifact::ScratchDirectory second;
  first.Write("d/f", "1");
  first.Write("d/g", "1");
  second.Write("d/f", "2");
  EXPECT_THAT(Add(first, "/secrets"), IsOk());
  EXPECT_THAT(Add(second, "/secrets"), IsOk());
  const std::vector<Mount> copies = copies_.Take();
  ASSERT_EQ(copies.size(), 3u);
  EXPECT_EQ(copies[1].outside(), second.path() + "/d/f");
  EXPECT_EQ(copies[2].outside(), first.path() + "/d/g");
}

TEST_F(SecretCopiesTest, ADirectoryAndSomethingElseAreRefused) {
  artifact::ScratchDirectory first;
  artifact::ScratchDirectory second;
  first.Write("d/f", "1");
  second.Link("d", "/elsewhere");
  EXPECT_THAT(Add(first, "/secrets"), IsOk());
  EXPECT_THAT(Add(second, "/secrets"), Refused("'/secrets/d' is a directory in one artifact"));
}

TEST_F(SecretCopiesTest, NoMoreThanFits) {
  artifact::ScratchDirectory content;
  content.Write("a", std::string(40 << 10, 'x'));
  EXPECT_THAT(Add(content, "/secrets"), IsOk());
  // In the place of the first.
  EXPECT_THAT(Add(content, "/secrets"), IsOk());
  EXPECT_THAT(Add(content, "/secrets/b"), Refused("/secrets, which has 65536 bytes"));
}

TEST_F(SecretCopiesTest, NorMoreThanAStartHasStepsFor) {
  artifact::ScratchDirectory content;
  for (size_t i = 0; i < kMaxSecretEntries; ++i) content.Write(absl::StrCat("f", i), "");
  EXPECT_THAT(Add(content, "/secrets"), IsOk());
  EXPECT_THAT(Add(content, "/secrets/more"), Refused("64 files and directories"));
}

TEST_F(SecretCopiesTest, OneFileIsOneFile) {
  artifact::ScratchDirectory content;
  content.Write("a", "1");
  content.Write("b", "1");
  EXPECT_THAT(Add(content, "/secrets", "name"), Refused("not one file"));
}

TEST(SecretsBytesTest, AreThoseOfThePlan) {
  internal::LaunchPlan plan;
  EXPECT_EQ(SecretsBytes(plan), 0u);
  Mount* mount = plan.add_mounts();
  mount->set_kind(Mount::KIND_TMPFS);
  mount->set_inside("/secrets");
  mount->set_size_bytes(1 << 20);
  EXPECT_EQ(SecretsBytes(plan), 1u << 20);
}

}  // namespace
}  // namespace cloister::engine
