#include "libs/jobspec/field_places.h"

#include "gtest/gtest.h"

namespace cloister::jobspec {
namespace {

hcl::SourceRange Line(int line) { return {{0, line, 1}, {1, line, 2}}; }

TEST(FieldPlaces, AFieldWithoutPlaceIsWhereTheNearestIsThatHoldsIt) {
  FieldPlaces places;
  places.Add("config", Line(1));
  places.Add("config.args", Line(2));
  places.Add("config.args[1]", Line(3));
  places.Add("env[A.B]", Line(4));
  EXPECT_EQ(places.Find("config.args[1]"), Line(3));
  EXPECT_EQ(places.Find("config.args[7]"), Line(2));
  EXPECT_EQ(places.Find("config.command"), Line(1));
  EXPECT_EQ(places.Find("env[A.B]"), Line(4));
  EXPECT_EQ(places.Find("resources.memory"), absl::nullopt);
  EXPECT_EQ(places.Find(""), absl::nullopt);
}

TEST(FieldPlaces, TheFirstPlaceCounts) {
  FieldPlaces places;
  places.Add("artifacts", Line(1));
  places.Add("artifacts", Line(2));
  EXPECT_EQ(places.Find("artifacts"), Line(1));
}

}  // namespace
}  // namespace cloister::jobspec
