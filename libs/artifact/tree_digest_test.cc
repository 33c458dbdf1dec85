#include "libs/artifact/tree_digest.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

std::string Digest(const ScratchDirectory& place, int top) {
  const auto digest = TreeDigest(top);
  EXPECT_THAT(digest, IsOk());
  return digest.value_or(place.path());
}

TEST(TreeDigest, EqualTreesHaveOneDigestAndEachChangeAnother) {
  ScratchDirectory a;
  ScratchDirectory b;
  b.Write("d/y", "2");
  for (const ScratchDirectory* place : {&a, &b}) {
    place->Write("d/x", "1");
    place->Write("d/y", "2");
    place->Link("l", "d/x");
  }
  const std::string digest = Digest(a, a.fd());
  EXPECT_EQ(digest, Digest(b, b.fd()));
  b.Write("d/x", "3");
  EXPECT_NE(digest, Digest(b, b.fd()));
  b.Write("d/x", "1", 0755);
  EXPECT_NE(digest, Digest(b, b.fd()));
  b.Write("d/x", "1");
  EXPECT_EQ(digest, Digest(b, b.fd()));
  b.MakeDirectory("e");
  EXPECT_NE(digest, Digest(b, b.fd()));
}

}  // namespace
}  // namespace cloister::artifact
