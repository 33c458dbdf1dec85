#include "libs/artifact/inflating_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::HasSubstr;

std::string Compressed(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(&out[0]), &size,
                     reinterpret_cast<const Bytef*>(text.data()), text.size()),
            Z_OK);
  out.resize(size);
  return out;
}

class InflatingFileTest : public ::testing::Test {
 protected:
  InflatingFileTest() {
    path_ = absl::StrCat(::testing::TempDir(), "/inflated.XXXXXX");
    fd_ = OwnedFd(mkstemp(&path_[0]));
  }
  // In pieces of that size.
  absl::Status Write(const std::string& bytes, size_t piece = 1 << 20) {
    InflatingFile file(fd_.get(), limits_, "URL", [this](int64_t received) { told_ = received; });
    CLOISTER_RETURN_IF_ERROR(file.Begin(0, -1, {}));
    for (size_t at = 0; at < bytes.size(); at += piece) {
      CLOISTER_RETURN_IF_ERROR(file.Write(absl::string_view(bytes).substr(at, piece)));
    }
    return file.Finish();
  }
  std::string Contents() const { return FileContents(path_); }

  UnpackLimits limits_;
  int64_t told_ = 0;

 private:
  std::string path_;
  OwnedFd fd_;
};

TEST_F(InflatingFileTest, WhatWasCompressedIsThereHoweverItComes) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) absl::StrAppend(&text, i, "\n");
  const std::string bytes = Compressed(text);
  for (const size_t piece : {size_t{1}, size_t{1000}, bytes.size()}) {
    ASSERT_THAT(Write(bytes, piece), IsOk()) << piece;
    EXPECT_TRUE(Contents() == text) << piece;
    EXPECT_EQ(told_, static_cast<int64_t>(bytes.size()));
  }
  ASSERT_THAT(Write(Compressed("")), IsOk());
  EXPECT_EQ(Contents(), "");
}

TEST_F(InflatingFileTest, WhatIsCutShortDamagedOrLongerIsRefused) {
  const std::string bytes = Compressed("some text that is not very short");
  EXPECT_THAT(Write(bytes.substr(0, bytes.size() - 1)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Write(""), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Write("no such thing"), StatusIs(absl::StatusCode::kDataLoss));
  std::string damaged = bytes;
  damaged.back() ^= 1;
  EXPECT_THAT(Write(damaged), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Write(bytes + "x"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Write(bytes + "x", 1), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(InflatingFileTest, ItGoesNoFurtherThanItsLimits) {
  const std::string bytes = Compressed(std::string(40 << 20, '\0'));
  limits_.ratio = 10'000;
  limits_.bytes = 40 << 20;
  EXPECT_THAT(Write(bytes), IsOk());
  limits_.bytes = (40 << 20) - 1;
  EXPECT_THAT(Write(bytes), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("bytes")));
  limits_ = {};
  limits_.ratio = 100;
  EXPECT_THAT(Write(bytes), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("ratio")));
  EXPECT_LE(Contents().size(), (16 << 20) + (256 << 10)) << "and stops there";
}

}  // namespace
}  // namespace cloister::artifact
