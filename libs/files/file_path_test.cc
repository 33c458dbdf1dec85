#include "libs/files/file_path.h"

#include <gtest/gtest.h>

namespace cloister::files {
namespace {

size_t Wrong(absl::string_view path) {
  std::vector<FieldViolation> violations;
  CheckPath("path", path, &violations);
  return violations.size();
}

size_t WrongNew(absl::string_view path) {
  std::vector<FieldViolation> violations;
  CheckNewPath("path", path, &violations);
  return violations.size();
}

TEST(FilePath, IsAbsoluteBoundedAndWithoutNul) {
  EXPECT_EQ(Wrong("/"), 0u);
  EXPECT_EQ(Wrong("/local/../etc"), 0u);
  EXPECT_EQ(Wrong("/\xff\xfe"), 0u);
  EXPECT_EQ(Wrong(""), 1u);
  EXPECT_EQ(Wrong("local/x"), 1u);
  EXPECT_EQ(Wrong(absl::string_view("/a\0b", 4)), 1u);
  EXPECT_EQ(Wrong("/" + std::string(4094, 'a')), 0u);
  EXPECT_EQ(Wrong("/" + std::string(4095, 'a')), 1u);
}

TEST(FilePath, OfANewFileIsBeneathADirectoryOfTheTasksOwn) {
  for (const char* path : {"/local/x", "/local/a/b", "/alloc/data/x", "/tmp/x", "/secrets/x",
                           "//local//x", "/local/./x", "/local/..x"}) {
    EXPECT_EQ(WrongNew(path), 0u) << path;
  }
  for (const char* path : {"/", "/local", "/local/", "/local/.", "/local/..", "/local/a/../b",
                           "/localx/y", "/etc/passwd", "/x", "x", "/proc/self/fd/1"}) {
    EXPECT_EQ(WrongNew(path), 1u) << path;
  }
}

TEST(FilePath, NameIsTheLastComponent) {
  EXPECT_EQ(NameOf("/"), "/");
  EXPECT_EQ(NameOf("/local"), "local");
  EXPECT_EQ(NameOf("/local/a//"), "a");
}

TEST(FilePath, IsShownWithoutLossAndWithoutControlCharacters) {
  EXPECT_EQ(ShownPath("/local/ä€😀"), "/local/ä€😀");
  EXPECT_EQ(ShownPath("/a\xff"), "/a\\xff");
  EXPECT_EQ(ShownPath("/\x1b[31m\n"), "/\\x1b[31m\\n");
  EXPECT_EQ(ShownPath("/a\\b"), "/a\\\\b");
  // Overlong, surrogate, too high, C1, cut off.
  EXPECT_EQ(ShownPath("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(ShownPath("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(ShownPath("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(ShownPath("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(ShownPath("\xe2\x82"), "\\xe2\\x82");
}

}  // namespace
}  // namespace cloister::files
