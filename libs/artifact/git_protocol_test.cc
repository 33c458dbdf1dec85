#include "libs/artifact/git_protocol.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kC(40, 'c');

std::string References(const std::string& capabilities) {
  return absl::StrCat(PktLine(absl::StrCat(kA, " HEAD", std::string(1, '\0'), capabilities, "\n")),
                      PktLine(absl::StrCat(kA, " refs/heads/main\n")),
                      PktLine(absl::StrCat(kB, " refs/heads/v1\n")),
                      PktLine(absl::StrCat(kC, " refs/tags/v1\n")),
                      PktLine(absl::StrCat(kB, " refs/tags/v1^{}\n")),
                      PktLine(absl::StrCat(kC, " refs/tags/v2\n")), kFlushPkt);
}

GitAdvertisement Read(const std::string& capabilities) {
  AdvertisementReader reader(false);
  EXPECT_THAT(reader.Feed(References(capabilities)), IsOkAndHolds(true));
  return reader.advertisement();
}

TEST(PktLineReader, TakesBytesAsTheyCome) {
  const std::string bytes = absl::StrCat(PktLine("one\n"), kFlushPkt, PktLine(""), PktLine("two"));
  PktLineReader reader;
  std::vector<std::string> lines;
  for (const char c : bytes) {
    ASSERT_THAT(reader.Feed({&c, 1},
                            [&](absl::string_view line, bool flush) {
                              lines.push_back(flush ? "FLUSH" : std::string(line));
                              return absl::OkStatus();
                            }),
                IsOk());
  }
  EXPECT_TRUE(reader.AtBoundary());
  EXPECT_THAT(lines, ElementsAre("one\n", "FLUSH", "", "two"));
}

TEST(PktLineReader, RefusesWhatIsNoLength) {
  for (const char* bytes : {"<htm", "0001", "0003", "fff1", "-004", "00 4"}) {
    PktLineReader reader;
    EXPECT_THAT(reader.Feed(bytes, [](absl::string_view, bool) { return absl::OkStatus(); }),
                StatusIs(absl::StatusCode::kDataLoss))
        << bytes;
  }
}

TEST(AdvertisementReader, ReadsReferencesAndCapabilities) {
  const GitAdvertisement read = Read("shallow side-band-64k symref=HEAD:refs/heads/main");
  ASSERT_EQ(read.refs.size(), 6u);
  EXPECT_EQ(read.refs[1].first, "refs/heads/main");
  EXPECT_EQ(read.capabilities.count("shallow"), 1u);
  AdvertisementReader http(true);
  EXPECT_THAT(http.Feed(absl::StrCat(PktLine("# service=git-upload-pack\n"), kFlushPkt,
                                     References("shallow"))),
              IsOkAndHolds(true));
  EXPECT_EQ(http.advertisement().refs.size(), 6u);
}

TEST(AdvertisementReader, SaysWhatTheServerSaysAndRefusesTheRest) {
  AdvertisementReader error(false);
  EXPECT_THAT(error.Feed(PktLine("ERR no\x1b[31m access\n")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no\\x1b[31m access")));
  AdvertisementReader other(true);
  EXPECT_FALSE(other.Feed(PktLine("# service=git-receive-pack\n")).ok());
  AdvertisementReader garbage(false);
  EXPECT_FALSE(garbage.Feed(PktLine("zzz refs/heads/main\n")).ok());
  AdvertisementReader half(false);
  EXPECT_THAT(half.Feed(PktLine(kA + " HEAD\n")), IsOkAndHolds(false));
}

TEST(AdvertisementReader, AnEmptyRepositoryHasNoHead) {
  AdvertisementReader reader(false);
  EXPECT_THAT(
      reader.Feed(absl::StrCat(PktLine(absl::StrCat(std::string(40, '0'), " capabilities^{}",
                                                    std::string(1, '\0'), "shallow\n")),
                               kFlushPkt)),
      IsOkAndHolds(true));
  EXPECT_THAT(ChooseWant(reader.advertisement(), "").status(),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(ChooseWant, KnowsBranchesBeforeTagsAndFullNames) {
  const GitAdvertisement read = Read("shallow");
  EXPECT_EQ(ChooseWant(read, "")->id, kA);
  EXPECT_EQ(ChooseWant(read, "v1")->name, "refs/heads/v1");
  EXPECT_EQ(ChooseWant(read, "refs/tags/v1")->id, kC);
  EXPECT_EQ(ChooseWant(read, "v2")->name, "refs/tags/v2");
  EXPECT_TRUE(ChooseWant(read, "v2")->shallow);
  for (const char* ref : {"v3", "HEAD", "abc", "--upload-pack=x", "refs/heads/none", "v1^{}x"}) {
    EXPECT_THAT(ChooseWant(read, ref).status(), StatusIs(absl::StatusCode::kNotFound)) << ref;
  }
}

TEST(ChooseWant, AsksForACommitByItsIdOrForEverything) {
  const std::string commit(40, 'd');
  EXPECT_THAT(ChooseWant(Read("shallow allow-reachable-sha1-in-want"), commit)->ids,
              ElementsAre(commit));
  const GitWant all = *ChooseWant(Read("shallow"), commit);
  EXPECT_THAT(all.ids, ElementsAre(kA, kB, kC));
  EXPECT_FALSE(all.shallow);
  EXPECT_EQ(all.id, commit);
  EXPECT_TRUE(ChooseWant(Read("shallow"), kB)->shallow);
}

TEST(UploadPackRequest, IsWantsDepthAndDone) {
  const GitAdvertisement read = Read("shallow side-band-64k ofs-delta");
  EXPECT_THAT(UploadPackRequest(read, *ChooseWant(read, "v2")),
              IsOkAndHolds(absl::StrCat(
                  PktLine(absl::StrCat("want ", kC, " side-band-64k agent=cloister ofs-delta\n")),
                  PktLine("deepen 1\n"), kFlushPkt, PktLine("done\n"))));
  EXPECT_FALSE(UploadPackRequest(Read("shallow"), *ChooseWant(read, "v2")).ok());
}

TEST(PackReader, HandsOnThePackAlone) {
  std::string pack;
  const auto take = [&](absl::string_view bytes) {
    pack.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  };
  PackReader reader(true, take);
  ASSERT_THAT(reader.Feed(absl::StrCat(PktLine("shallow " + kA), kFlushPkt, PktLine("NAK\n"),
                                       PktLine("\x02progress"), PktLine("\x01PACK"),
                                       PktLine("\x01rest"), kFlushPkt)),
              IsOk());
  EXPECT_TRUE(reader.whole());
  EXPECT_EQ(pack, "PACKrest");
  PackReader plain(false, take);
  EXPECT_THAT(plain.Feed(absl::StrCat(PktLine("NAK\n"), PktLine("\x01x"))), IsOk());
  EXPECT_FALSE(plain.whole());
}

TEST(PackReader, SaysWhatTheServerSaysOfItsFailure) {
  const auto take = [](absl::string_view) { return absl::OkStatus(); };
  PackReader reader(false, take);
  EXPECT_THAT(reader.Feed(absl::StrCat(PktLine("NAK\n"), PktLine("\x03out of memory\n"))),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("out of memory")));
  for (const std::string& bytes :
       {PktLine("ERR upload-pack: not our ref"), PktLine("ACK " + kA), std::string(kFlushPkt),
        absl::StrCat(PktLine("NAK\n"), PktLine("\x04x")),
        absl::StrCat(PktLine("NAK\n"), PktLine(""))}) {
    PackReader other(false, take);
    EXPECT_FALSE(other.Feed(bytes).ok()) << bytes;
  }
}

}  // namespace
}  // namespace cloister::artifact
