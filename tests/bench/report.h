// What the benchmark prints.
#ifndef CLOISTER_TESTS_BENCH_REPORT_H_
#define CLOISTER_TESTS_BENCH_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/measurement.h"
#include "tests/bench/rounds.h"

namespace cloister::bench {

// Names of contenders, as in --only.
inline constexpr char kStatic[] = "static";
inline constexpr char kSpawn[] = "spawn";
inline constexpr char kBwrap[] = "bwrap";
inline constexpr char kCrun[] = "crun";
inline constexpr char kRunc[] = "runc";
inline constexpr char kExecutor[] = "executor";
inline constexpr char kFrontend[] = "frontend";

struct Report {
  // "kernel": "Linux 6.1.0-28-amd64" and the like, in the order in which they are shown.
  std::vector<std::pair<std::string, std::string>> facts;
  // What was measured, in any order. Rows are in the order of these lists.
  std::vector<Measurement> measurements;
  std::vector<std::string> contenders;
  std::vector<Pattern> patterns;
  std::vector<int> extra_mounts;
};

// The same tables either way: a table for each pattern ("after" is what follows a start:
// DestroyTask); how often Cloister is faster than each peer; what the extra mounts do to each.
// Ratios that lack one side are "-".
std::string PlainReport(const Report& report);
std::string MarkdownReport(const Report& report);

// {"facts": {...}, "measurements": [{"contender": ..., "p50_ms": ...}]}
std::string JsonReport(const Report& report);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_REPORT_H_
