#include "libs/base/length_delimited.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<int, std::string>> Fields(absl::string_view message, bool* well_formed) {
  std::vector<std::pair<int, std::string>> fields;
  *well_formed = VisitLengthDelimited(message, [&](int number, absl::string_view bytes) {
    fields.emplace_back(number, std::string(bytes));
  });
  return fields;
}

TEST(LengthDelimited, WritesTheProtobufWireFormat) {
  std::string message;
  AppendLengthDelimited(1, "abc", &message);
  EXPECT_EQ(message, absl::string_view("\x0a\x03"
                                       "abc"));
}

TEST(LengthDelimited, ReadsBackWhatItWroteWhateverTheLength) {
  std::string message;
  const std::string big(70000, 'x');
  AppendLengthDelimited(1, big, &message);
  AppendLengthDelimited(2, "", &message);
  AppendLengthDelimited(15, std::string("\0\xff", 2), &message);
  bool well_formed = false;
  EXPECT_THAT(Fields(message, &well_formed),
              ElementsAre(Pair(1, big), Pair(2, ""), Pair(15, std::string("\0\xff", 2))));
  EXPECT_TRUE(well_formed);
}

TEST(LengthDelimited, SkipsFieldsOfOtherWireTypes) {
  std::string message("\x08\x96\x01", 3);       // 1: varint 150
  message.append("\x11\1\2\3\4\5\6\7\x08", 9);  // 2: fixed64
  message.append("\x1d\1\2\3\4", 5);            // 3: fixed32
  AppendLengthDelimited(4, "kept", &message);
  bool well_formed = false;
  EXPECT_THAT(Fields(message, &well_formed), ElementsAre(Pair(4, "kept")));
  EXPECT_TRUE(well_formed);
}

TEST(LengthDelimited, AnEmptyMessageHasNoFields) {
  bool well_formed = false;
  EXPECT_THAT(Fields("", &well_formed), IsEmpty());
  EXPECT_TRUE(well_formed);
}

TEST(LengthDelimited, TellsThatBytesAreNoMessage) {
  bool well_formed = true;
  for (const std::string& bytes : {
           std::string("\x0a", 1),  // no length
           std::string("\x0a\x05"
                       "abc",
                       5),              // shorter than its length
           std::string("\x11\1\2", 3),  // short fixed64
           std::string("\x1d\1", 2),    // short fixed32
           std::string("\x08\x80", 2),  // unfinished varint
           std::string(11, '\x80'),     // a varint that never ends
           std::string("\x0b", 1),      // a group, which is gone from the format
       }) {
    Fields(bytes, &well_formed);
    EXPECT_FALSE(well_formed) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace cloister
