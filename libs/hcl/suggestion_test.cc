#include "libs/hcl/suggestion.h"

#include "gtest/gtest.h"

namespace cloister::hcl {
namespace {

TEST(DidYouMean, NamesWhatIsNearest) {
  const Diagnostics diagnostics;
  EXPECT_EQ(DidYouMean("comand", {"args", "command"}, diagnostics), " Did you mean \"command\"?");
  EXPECT_EQ(DidYouMean("cpus", {"cpu", "cores"}, diagnostics), " Did you mean \"cpu\"?");
  EXPECT_EQ(DidYouMean("Driver", {"driver"}, diagnostics), " Did you mean \"driver\"?");
}

TEST(DidYouMean, IsSilentIfNothingIsNear) {
  const Diagnostics diagnostics;
  EXPECT_EQ(DidYouMean("colour", {"args", "command"}, diagnostics), "");
  EXPECT_EQ(DidYouMean("x", {}, diagnostics), "");
  EXPECT_EQ(DidYouMean(std::string(1000, 'a'), {"a"}, diagnostics), "");
}

TEST(DidYouMean, TakesNoTimeForWhatIsNotKept) {
  EXPECT_EQ(DidYouMean("comand", {"command"}, Diagnostics(0)), "");
}

}  // namespace
}  // namespace cloister::hcl
