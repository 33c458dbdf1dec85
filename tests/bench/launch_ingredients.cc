// What each wall of the fence costs a start, ingredient by ingredient: launches of the payload's
// plan, in turns with all of it and without one part, in time and in system calls. A benchmark,
// never a test.
//
//   bazel run -c opt //tests/bench:launch_ingredients -- 2000
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"
#include "tests/bench/launch_variants.h"

namespace cloister::bench {
namespace {

// Of what no number is timed.
constexpr int kCountedRounds = 21;

template <typename Value>
Value Median(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// By variant, and by round.
absl::StatusOr<std::vector<std::vector<LaunchSample>>> Rounds(VariantLauncher* launcher, int rounds,
                                                              bool count_calls) {
  std::vector<std::vector<LaunchSample>> samples(LaunchVariants().size());
  for (int round = -10; round < rounds; ++round) {
    for (size_t i = 0; i < samples.size(); ++i) {
      CLOISTER_ASSIGN_OR_RETURN(const LaunchSample sample,
                                count_calls ? launcher->LaunchAndCount(LaunchVariants()[i])
                                            : launcher->Launch(LaunchVariants()[i]));
      if (round >= 0) samples[i].push_back(sample);
    }
  }
  return samples;
}

template <typename Value>
std::vector<Value> Medians(const std::vector<std::vector<LaunchSample>>& samples,
                           Value LaunchSample::*member) {
  std::vector<Value> medians;
  for (const std::vector<LaunchSample>& of_variant : samples) {
    std::vector<Value> values;
    for (const LaunchSample& sample : of_variant) values.push_back(sample.*member);
    medians.push_back(Median(std::move(values)));
  }
  return medians;
}

absl::Status Run(int rounds, const std::string& directory) {
  CLOISTER_ASSIGN_OR_RETURN(std::unique_ptr<VariantLauncher> launcher,
                            VariantLauncher::Make(directory));
  CLOISTER_ASSIGN_OR_RETURN(const auto timed, Rounds(launcher.get(), rounds, false));
  std::printf("%s\n", launcher->Describe().c_str());
  // Afterwards, as what counts also slows down.
  CLOISTER_ASSIGN_OR_RETURN(const auto counted, Rounds(launcher.get(), kCountedRounds, true));
  const std::vector<double> micros = Medians(timed, &LaunchSample::micros);
  const std::vector<int64_t> calls = Medians(counted, &LaunchSample::calls);
  std::printf("%-24s %9s %9s %9s %9s\n", "", "p50 us", "less", "calls", "less");
  for (size_t i = 0; i < micros.size(); ++i) {
    std::printf("%-24s %9.1f %9.1f %9" PRId64 " %9" PRId64 "\n", LaunchVariants()[i].name,
                micros[i], micros[0] - micros[i], calls[i], calls[0] - calls[i]);
  }
  std::fflush(stdout);
  // Its threads never end.
  static_cast<void>(launcher.release());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  int rounds = 1000;
  if (argc > 2 || (argc == 2 && (!absl::SimpleAtoi(argv[1], &rounds) || rounds < 1))) {
    std::fprintf(stderr, "launch_ingredients [ROUNDS]\n");
    return 2;
  }
  close_range(3, ~0U, 0);
  std::string directory = "/dev/shm/cloister-ingredients-XXXXXX";
  if (mkdtemp(&directory[0]) == nullptr) return 1;
  const absl::Status status = Run(rounds, directory);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  if (const auto opened = OpenDirectory(directory); opened.ok()) {
    state::RemoveContents(opened->get(), directory, "").IgnoreError();
    rmdir(directory.c_str());
  }
  // Launch threads never end.
  _exit(status.ok() ? 0 : 1);
}

}  // namespace
}  // namespace cloister::bench

int main(int argc, char** argv) { return cloister::bench::Main(argc, argv); }
