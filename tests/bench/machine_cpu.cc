#include "tests/bench/machine_cpu.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/clock.h"

namespace cloister::bench {
namespace {

// Fields of the line "cpu", which begins with user, nice, system.
constexpr size_t kIdleFields[] = {4 /* idle */, 5 /* iowait */, 8 /* steal */};

absl::Status NotProcStat(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("/proc/stat: '", what, "' is not understood"));
}

}  // namespace

absl::StatusOr<MachineCpu> ParseMachineCpu(absl::string_view stat, int ticks_per_second) {
  MachineCpu cpu;
  for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
    if (!absl::StartsWith(line, "cpu")) continue;
    if (line.size() > 3 && absl::ascii_isdigit(line[3])) {
      ++cpu.processors;
      continue;
    }
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int64_t ticks = 0;
    for (const size_t index : kIdleFields) {
      int64_t value = 0;
      if (index >= fields.size() || !absl::SimpleAtoi(fields[index], &value)) {
        return NotProcStat(line);
      }
      ticks += value;
    }
    cpu.idle = absl::Seconds(1) * ticks / ticks_per_second;
  }
  if (cpu.processors == 0) return NotProcStat(stat);
  return cpu;
}

absl::StatusOr<MachineCpu> ReadMachineCpu() {
  std::ifstream file("/proc/stat");
  std::stringstream text;
  text << file.rdbuf();
  absl::StatusOr<MachineCpu> cpu =
      ParseMachineCpu(text.str(), static_cast<int>(sysconf(_SC_CLK_TCK)));
  if (cpu.ok()) cpu->time = RealClock().Monotonic();
  return cpu;
}

absl::Duration BusyBetween(const MachineCpu& before, const MachineCpu& after) {
  return (after.time - before.time) * after.processors - (after.idle - before.idle);
}

}  // namespace cloister::bench
