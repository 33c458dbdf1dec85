#include "libs/jobspec/variable_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::jobspec {
namespace {

using testing::ElementsAre;
using testing::Field;

TEST(VariableFile, ValuesAreWhatTheyAreInBothForms) {
  for (const auto& [name, text] :
       {std::make_pair("v.hcl", "list = [\"a\", 1]\nname = upper(\"x\")\n"),
        std::make_pair("v.json", R"({"list": ["a", 1], "name": "X"})")}) {
    const VariableFile file = ReadVariableFile(name, text);
    EXPECT_FALSE(file.diagnostics.HasErrors());
    ASSERT_EQ(file.variables.size(), 2u);
    EXPECT_EQ(*file.variables[0].evaluated,
              hcl::Value::Tuple({hcl::Value::String("a"), hcl::Value::Int(1)}));
    EXPECT_EQ(*file.variables[1].evaluated, hcl::Value::String("X"));
  }
}

TEST(VariableFile, BlocksAndNamesAreErrorsAtTheirPlace) {
  const VariableFile file = ReadVariableFile("v.hcl", "a = var.b\njob \"x\" {}\n");
  EXPECT_EQ(file.diagnostics.ErrorCount(), 2u);
  EXPECT_EQ(file.diagnostics.kept()[0].range->start.line, 1);
  EXPECT_EQ(file.diagnostics.kept()[1].range->start.line, 2);
}

TEST(VariableFile, OfTwoValuesTheLaterCounts) {
  EXPECT_THAT(
      LastOfEach({{"a", "1"}, {"b", "2"}, {"a", "3"}}),
      ElementsAre(Field(&hcl::GivenVariable::value, "3"), Field(&hcl::GivenVariable::value, "2")));
}

}  // namespace
}  // namespace cloister::jobspec
