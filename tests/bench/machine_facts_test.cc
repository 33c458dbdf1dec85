#include "tests/bench/machine_facts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::bench {
namespace {

TEST(ProcessorWordsTest, CountsProcessorsAndNamesTheirModel) {
  EXPECT_EQ(ProcessorWords("processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n"
                           "model name\t: AMD EPYC\n"),
            "2 x AMD EPYC");
}

TEST(ProcessorWordsTest, SaysSoWhereThereIsNoModel) {
  EXPECT_EQ(ProcessorWords("processor\t: 0\nBogoMIPS\t: 50.00\n"), "1 x unknown processor");
}

}  // namespace
}  // namespace cloister::bench
