// From asking for a process until its exit is known: bare spawn, bwrap, crun, runc and Cloister, in
// one run, each doing what a task's plan says. A benchmark, never a test: nothing here passes or
// fails by time.
//
//   bazel run -c opt //tests/bench:start_latency -- --iterations=300 --markdown
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/status_macros.h"
#include "tests/bench/comparison.h"
#include "tests/bench/private_mounts.h"
#include "tools/cloister/interrupts.h"

ABSL_FLAG(int, iterations, 300, "starts of each contender, in each pattern and scenario");
ABSL_FLAG(std::vector<std::string>, only, {},
          "contenders, of static,spawn,bwrap,crun,runc,executor,frontend; default: all. static and "
          "spawn are the bare posix_spawn, of a static program and of the payload");
ABSL_FLAG(std::vector<std::string>, pattern, {},
          "patterns, of tight (one after the other), apart (40 ms apart), parallel (16 at once); "
          "default: all");
ABSL_FLAG(std::vector<std::string>, mounts, std::vector<std::string>({"0", "1000"}),
          "scenarios: how many mounts the machine is given on top of its own");
ABSL_FLAG(std::string, dir, "/var/tmp",
          "where the run makes its own directory, for state, bundles and root directories");
ABSL_FLAG(bool, markdown, false, "print tables as Markdown");
ABSL_FLAG(bool, json, false, "print JSON");

namespace cloister::bench {
namespace {

constexpr int kMostIterations = 1000000;
// The kernel's default of fs.mount-max is 100 000 for a namespace.
constexpr int kMostMounts = 50000;

absl::Status NoSuch(absl::string_view flag, absl::string_view word,
                    const std::vector<std::string>& choices) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": no '", word, "'; there is ", absl::StrJoin(choices, ", ")));
}

absl::StatusOr<std::vector<std::string>> ChosenContenders() {
  const std::vector<std::string> all = {kStatic, kSpawn,    kBwrap,   kCrun,
                                        kRunc,   kExecutor, kFrontend};
  const std::vector<std::string> only = absl::GetFlag(FLAGS_only);
  if (only.empty()) return all;
  for (const std::string& word : only) {
    if (std::find(all.begin(), all.end(), word) == all.end()) return NoSuch("only", word, all);
  }
  std::vector<std::string> chosen;
  for (const std::string& name : all) {
    if (std::find(only.begin(), only.end(), name) != only.end()) chosen.push_back(name);
  }
  return chosen;
}

absl::StatusOr<std::vector<Pattern>> ChosenPatterns() {
  const std::vector<std::string> words = absl::GetFlag(FLAGS_pattern);
  if (words.empty()) return Patterns();
  std::vector<std::string> names;
  for (const Pattern& pattern : Patterns()) names.push_back(pattern.name);
  std::vector<Pattern> chosen;
  for (const std::string& word : words) {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) return NoSuch("pattern", word, names);
    chosen.push_back(Patterns()[static_cast<size_t>(found - names.begin())]);
  }
  return chosen;
}

absl::StatusOr<std::vector<int>> ChosenMounts() {
  std::vector<int> counts;
  for (const std::string& word : absl::GetFlag(FLAGS_mounts)) {
    int count = 0;
    if (!absl::SimpleAtoi(word, &count) || count < 0 || count > kMostMounts) {
      return absl::InvalidArgumentError(
          absl::StrCat("--mounts: '", word, "' is no number from 0 to ", kMostMounts));
    }
    counts.push_back(count);
  }
  return counts;
}

absl::StatusOr<ComparisonOptions> ReadFlags() {
  ComparisonOptions options;
  CLOISTER_ASSIGN_OR_RETURN(options.contenders, ChosenContenders());
  CLOISTER_ASSIGN_OR_RETURN(options.patterns, ChosenPatterns());
  CLOISTER_ASSIGN_OR_RETURN(options.extra_mounts, ChosenMounts());
  options.iterations = absl::GetFlag(FLAGS_iterations);
  if (options.iterations < 1 || options.iterations > kMostIterations) {
    return absl::InvalidArgumentError(absl::StrCat("--iterations: from 1 to ", kMostIterations));
  }
  options.base_directory = absl::GetFlag(FLAGS_dir);
  options.progress = [](absl::string_view line) { std::cerr << line << "\n"; };
  return options;
}

absl::StatusOr<Report> Run() {
  CLOISTER_ASSIGN_OR_RETURN(ComparisonOptions options, ReadFlags());
  if (geteuid() != 0) {
    return absl::PermissionDeniedError("needs root, as launching, runc and crun do");
  }
  CLOISTER_RETURN_IF_ERROR(EnterPrivateMounts());
  CLOISTER_ASSIGN_OR_RETURN(const Interrupts interrupts, Interrupts::Block());
  options.interrupt_fd = interrupts.get();
  return Compare(options);
}

int Main() {
  const absl::StatusOr<Report> report = Run();
  if (!report.ok()) {
    std::cerr << "start_latency: " << report.status().message() << "\n";
    return report.status().code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
  }
  if (absl::GetFlag(FLAGS_json)) {
    std::cout << JsonReport(*report);
  } else if (absl::GetFlag(FLAGS_markdown)) {
    std::cout << MarkdownReport(*report);
  } else {
    std::cout << PlainReport(*report);
  }
  return 0;
}

}  // namespace
}  // namespace cloister::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("start latency of Cloister against bare spawn, bwrap, crun, runc");
  if (absl::ParseCommandLine(argc, argv).size() > 1) {
    std::cerr << "start_latency: takes flags only; see --help\n";
    return 2;
  }
  return cloister::bench::Main();
}
