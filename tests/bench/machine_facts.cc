#include "tests/bench/machine_facts.h"

#include <sys/utsname.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/status_macros.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"
#include "tests/bench/command.h"
#include "tests/bench/report.h"

namespace cloister::bench {
namespace {

absl::StatusOr<std::string> VersionOf(const std::string& name, const std::string& directory,
                                      const node::HostRoot& root) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string program, FindProgram(name));
  const std::string output = absl::StrCat(directory, "/", name, ".version");
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<Command> command,
                            Command::Make({{program, "--version"}, output}));
  CLOISTER_RETURN_IF_ERROR(command->Run());
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, root.ReadText(output));
  return text.substr(0, text.find('\n'));
}

std::string CgroupWords(node::CgroupLayout layout) {
  switch (layout) {
    case node::CgroupLayout::kV1:
      return "v1";
    case node::CgroupLayout::kV2:
      return "v2";
    case node::CgroupLayout::kHybrid:
      return "hybrid (v1 controllers, v2 beside them)";
    case node::CgroupLayout::kNone:
      break;
  }
  return "none";
}

}  // namespace

std::string ProcessorWords(absl::string_view cpuinfo) {
  int count = 0;
  std::string model = "unknown processor";
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    if (absl::StartsWith(line, "processor")) ++count;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == "model name") {
      model = std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return absl::StrCat(count, " x ", model);
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadMachineFacts(
    const std::vector<std::string>& contenders, const std::string& directory) {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("date", absl::FormatTime("%Y-%m-%d", RealClock().Now(), absl::UTCTimeZone()));
  utsname system;
  if (uname(&system) == 0) {
    facts.emplace_back("kernel", absl::StrCat(system.sysname, " ", system.release));
  }
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(const std::string cpuinfo, root.ReadText("/proc/cpuinfo"));
  facts.emplace_back("processor", ProcessorWords(cpuinfo));
  CLOISTER_ASSIGN_OR_RETURN(const node::CgroupFacts cgroups, node::ReadCgroupFacts(root));
  facts.emplace_back("cgroups", CgroupWords(cgroups.layout));
  for (const std::string& name : contenders) {
    if (name != kBwrap && name != kCrun && name != kRunc) continue;
    CLOISTER_ASSIGN_OR_RETURN(const std::string version, VersionOf(name, directory, root));
    facts.emplace_back(name, version + (name == kBwrap ? ", which sets no limits" : ""));
  }
  return facts;
}

}  // namespace cloister::bench
