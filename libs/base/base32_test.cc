#include "libs/base/base32.h"

#include <gtest/gtest.h>

#include <string>

namespace cloister {
namespace {

TEST(Base32Lower, AgreesWithTheVectorsOfRfc4648) {
  EXPECT_EQ(Base32Lower(""), "");
  EXPECT_EQ(Base32Lower("f"), "my");
  EXPECT_EQ(Base32Lower("fo"), "mzxq");
  EXPECT_EQ(Base32Lower("foo"), "mzxw6");
  EXPECT_EQ(Base32Lower("foob"), "mzxw6yq");
  EXPECT_EQ(Base32Lower("fooba"), "mzxw6ytb");
  EXPECT_EQ(Base32Lower("foobar"), "mzxw6ytboi");
}

TEST(Base32Lower, TakesBytesAboveAsciiAndZeroBytes) {
  EXPECT_EQ(Base32Lower(std::string(5, '\xff')), "77777777");
  EXPECT_EQ(Base32Lower(std::string(5, '\0')), "aaaaaaaa");
}

TEST(Base32Lower, Gives26CharactersFor128Bits) {
  EXPECT_EQ(Base32Lower(std::string(16, 'x')).size(), 26u);
}

}  // namespace
}  // namespace cloister
