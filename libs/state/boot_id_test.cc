#include "libs/state/boot_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "libs/base/status_matchers.h"

namespace cloister::state {
namespace {

using ::testing::HasSubstr;

std::string FileWith(const std::string& text) {
  std::string path = testing::TempDir() + "boot_id";
  std::ofstream(path) << text;
  return path;
}

TEST(ReadBootId, IsTheSameEachTime) {
  absl::StatusOr<std::string> first = ReadBootId();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->size(), 36u);
  EXPECT_THAT(ReadBootId(), IsOkAndHolds(*first));
}

TEST(ReadBootId, LeavesTheLineEndOut) {
  EXPECT_THAT(ReadBootId(FileWith("5ab4a1ad-1c0e-4a1a-8cfb-2f5f0f3c1c11\n")),
              IsOkAndHolds("5ab4a1ad-1c0e-4a1a-8cfb-2f5f0f3c1c11"));
}

TEST(ReadBootId, RefusesWhatIsNoBootId) {
  for (const char* text : {"", "\n", "5ab4a1ad", "5ab4a1ad-1c0e-4a1a-8cfb-2f5f0f3c1cxx",
                           "5ab4a1ad11c0e-4a1a-8cfb-2f5f0f3c1c11"}) {
    EXPECT_THAT(ReadBootId(FileWith(text)),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("boot_id")))
        << text;
  }
}

TEST(ReadBootId, NamesTheFileThatIsNotThere) {
  EXPECT_THAT(ReadBootId("/nope"),
              StatusIs(absl::StatusCode::kNotFound, "/nope: no such file or directory"));
}

}  // namespace
}  // namespace cloister::state
