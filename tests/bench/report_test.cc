#include "tests/bench/report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::bench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Measurement Measured(const std::string& contender, int extra_mounts, int ms) {
  Measurement measurement;
  measurement.contender = contender;
  measurement.pattern = "tight";
  measurement.extra_mounts = extra_mounts;
  measurement.times = {{absl::Milliseconds(ms)}, {absl::Milliseconds(3)}};
  measurement.wall = absl::Milliseconds(2 * ms);
  measurement.cpu = absl::Milliseconds(ms);
  return measurement;
}

Report Example() {
  Report report;
  report.facts = {{"kernel", "Linux 6.1"}};
  report.contenders = {kStatic, kCrun, kExecutor};
  report.patterns = {{"tight", "one after the other", 1, absl::ZeroDuration(), 1, 0}};
  report.extra_mounts = {0, 1000};
  report.measurements = {Measured(kStatic, 0, 1),   Measured(kCrun, 0, 8),
                         Measured(kExecutor, 0, 2), Measured(kStatic, 1000, 1),
                         Measured(kCrun, 1000, 20), Measured(kExecutor, 1000, 2)};
  return report;
}

TEST(ReportTest, ShowsARowForEachContenderAndScenario) {
  EXPECT_THAT(
      PlainReport(Example()),
      AllOf(
          HasSubstr("kernel       Linux 6.1\n"), HasSubstr("Start to exit, one after the other\n"),
          HasSubstr(
              "  crun                      8.00    8.00      3.00      8.00        -        62"),
          HasSubstr(
              "  crun      +1000 mounts   20.00   20.00      3.00     20.00        -        25")));
}

TEST(ReportTest, ComparesWithPeersAndWithoutTheMounts) {
  const std::string text = MarkdownReport(Example());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("|  |  | bwrap/executor | crun/executor | runc/executor | bwrap/frontend |"),
            HasSubstr("| one after the other |  | - | 4.00 | - | - | - | - |"),
            HasSubstr("| one after the other | +1000 mounts | - | 10.00 | - | - | - | - |"),
            HasSubstr("**Times that p50 with 1000 extra mounts is p50 without**"),
            HasSubstr("| crun | 2.50 |"), HasSubstr("| executor | 1.00 |"),
            HasSubstr("| --- | ---: | ---: |")));
}

TEST(ReportTest, HasNoRateWherePausesMakeIt) {
  Report report = Example();
  report.patterns[0].gap = absl::Milliseconds(40);
  EXPECT_THAT(MarkdownReport(report),
              HasSubstr("| crun |  | 8.00 | 8.00 | 3.00 | 8.00 | - | - | 8.00 |"));
}

TEST(ReportTest, LeavesOutWhatWasNotAskedFor) {
  Report report = Example();
  report.extra_mounts = {0};
  EXPECT_THAT(PlainReport(report), Not(HasSubstr("mounts")));
}

TEST(ReportTest, IsJsonWithNumbers) {
  EXPECT_THAT(
      JsonReport(Example()),
      AllOf(HasSubstr(R"({"facts":{"kernel":"Linux 6.1"},"measurements":[)"),
            HasSubstr(R"({"contender":"crun","pattern":"tight","extra_mounts":1000,)"),
            HasSubstr(R"("p50_ms":20,"p90_ms":20,"p99_ms":20,"max_ms":20,)"),
            HasSubstr(R"("after_p50_ms":3,"starts_per_second":25,"cpu_ms_per_start":20})")));
}

}  // namespace
}  // namespace cloister::bench
