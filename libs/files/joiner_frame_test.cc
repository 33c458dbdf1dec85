#include "libs/files/joiner_frame.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libs/base/status_matchers.h"

namespace cloister::files {
namespace {

std::string EntryBytes(const std::string& name, const std::string& target, uint32_t mode) {
  JoinerEntry entry = {};
  entry.mode = mode;
  entry.size = 7;
  entry.blocks = 8;
  entry.name_size = static_cast<uint32_t>(name.size());
  entry.target_size = static_cast<uint32_t>(target.size());
  std::string bytes(reinterpret_cast<const char*>(&entry), sizeof(entry));
  bytes += name + target;
  bytes.resize(PaddedEntryBytes(entry));
  return bytes;
}

TEST(JoinerFrame, ComesBackAsItWasMade) {
  FrameHeader header = {};
  header.kind = kFrameData;
  header.offset = 1ULL << 40;
  absl::StatusOr<Frame> frame = ParseFrame(MakeFrame(header, "abc"));
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(frame->header.kind, kFrameData);
  EXPECT_EQ(frame->header.offset, 1ULL << 40);
  EXPECT_EQ(frame->body, "abc");
}

TEST(JoinerFrame, RefusesWhatIsNone) {
  EXPECT_THAT(ParseFrame("abc"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseEntries("abc"), StatusIs(absl::StatusCode::kDataLoss));
  std::string cut = EntryBytes("name", "", S_IFREG);
  cut.pop_back();
  EXPECT_THAT(ParseEntries(cut), StatusIs(absl::StatusCode::kDataLoss));
  JoinerEntry huge = {};
  huge.name_size = 0xfffffff0;
  EXPECT_THAT(ParseEntries(std::string(reinterpret_cast<const char*>(&huge), sizeof(huge))),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(JoinerFrame, ReadsEntriesWithAnyNames) {
  const auto entries = ParseEntries(EntryBytes("\xff\n", "", S_IFREG | 04755) +
                                    EntryBytes("link", "/a/b", S_IFLNK | 0777));
  ASSERT_THAT(entries, IsOk());
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].name(), "\xff\n");
  EXPECT_EQ((*entries)[0].kind(), v1::FileInfo::KIND_FILE);
  EXPECT_EQ((*entries)[0].mode(), 04755u);
  EXPECT_EQ((*entries)[0].allocated_bytes(), 4096u);
  EXPECT_EQ((*entries)[1].kind(), v1::FileInfo::KIND_LINK);
  EXPECT_EQ((*entries)[1].link_target(), "/a/b");
}

TEST(JoinerFrame, PositionSurvivesAPageToken) {
  const auto position = ParseListKey(ListKey({0x7fffffffffffffff, 12}));
  ASSERT_THAT(position, IsOk());
  EXPECT_EQ(position->offset, 0x7fffffffffffffffu);
  EXPECT_EQ(position->inode, 12u);
  EXPECT_THAT(ParseListKey("x"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::files
