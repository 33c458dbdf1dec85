// On what and against what was measured: without it a number means nothing.
#ifndef CLOISTER_TESTS_BENCH_MACHINE_FACTS_H_
#define CLOISTER_TESTS_BENCH_MACHINE_FACTS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::bench {

// Date, kernel, processor, cgroups, and the version of each peer among `contenders`. `directory` is
// for short-lived files.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadMachineFacts(
    const std::vector<std::string>& contenders, const std::string& directory);

// "2 x AMD EPYC" of a /proc/cpuinfo; "unknown processor" where it names no model.
std::string ProcessorWords(absl::string_view cpuinfo);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_MACHINE_FACTS_H_
