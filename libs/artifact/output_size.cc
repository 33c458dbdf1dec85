#include "libs/artifact/output_size.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "absl/strings/str_cat.h"
#include "libs/artifact/tree_walk.h"
#include "libs/base/status_annotation.h"

namespace cloister::artifact {
namespace {

constexpr uint64_t kBlock = 512;

absl::Status Over(absl::string_view what, uint64_t limit, absl::string_view name) {
  return absl::ResourceExhaustedError(absl::StrCat(what, " than its limit ", name, " of ", limit));
}

class Sum : public TreeVisitor {
 public:
  explicit Sum(uint64_t limit) : limit_(limit) {}

  absl::Status Visit(const WalkEntry& entry) override {
    const uint64_t size = static_cast<uint64_t>(std::max<off_t>(0, entry.facts.st_size));
    const uint64_t stored = kBlock * static_cast<uint64_t>(entry.facts.st_blocks);
    // Some file systems reserve more for a file that grows, and give it back.
    bytes_ += std::min(size, stored);
    if (limit_ == 0 || bytes_ <= limit_) return absl::OkStatus();
    return Over("has more bytes", limit_, "output_bytes");
  }

 private:
  const uint64_t limit_;
  uint64_t bytes_ = 0;
};

}  // namespace

absl::Status CheckOutputSize(int directory, const OutputLimits& limits) {
  if (limits.bytes == 0 && limits.entries == 0) return absl::OkStatus();
  WalkLimits walk;
  walk.changing = true;
  if (limits.entries != 0) walk.entries = limits.entries;
  Sum sum(limits.bytes);
  return Annotate(WalkTree(directory, walk, &sum), "what the fetch has made");
}

absl::Status CheckWritten(const std::string& processes, const OutputLimits& limits) {
  if (limits.written == 0 || processes.empty()) return absl::OkStatus();
  std::ifstream list(processes);
  uint64_t written = 0;
  for (uint64_t pid = 0; list >> pid;) {
    std::ifstream io(absl::StrCat("/proc/", pid, "/io"));
    std::string name;
    for (uint64_t value = 0; io >> name >> value;) {
      if (name == "write_bytes:") written += value;
    }
  }
  if (written <= limits.written) return absl::OkStatus();
  return Over("the fetch has written more bytes", limits.written, "output_written");
}

}  // namespace cloister::artifact
