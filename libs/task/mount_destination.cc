#include "libs/task/mount_destination.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/lexical_path.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL

// Every root has these of its own; a volume on one would hide it. (Beneath /local, /tmp and /alloc
// there is room.)
constexpr absl::string_view kTaken[] = {"/alloc", "/alloc/data", "/alloc/tmp", "/local", "/tmp"};
// The kernel's and the node's, or closed for another reason: nothing is mounted in there.
constexpr absl::string_view kClosed[] = {"/alloc/logs", "/dev", "/proc", "/secrets", "/sys"};

}  // namespace

std::string ParseDestination(const std::string& field, const std::string& text,
                             Violations* violations) {
  if (text.empty()) {
    violations->Add(field, "must be provided");
  } else if (HasNul(text)) {
    violations->Add(field, "must not contain NUL");
  } else if (text.size() >= kMaxPathBytes) {
    violations->Add(field, "has ", text.size(), " bytes, at most ", kMaxPathBytes - 1, " fit");
  } else {
    for (absl::string_view part : absl::StrSplit(text, '/')) {
      if (part == "..") {
        violations->Add(field, "must not contain '..'");
        return "";
      }
      if (part.size() > 255) {
        violations->Add(field, "has a name of ", part.size(), " bytes, at most 255 fit");
        return "";
      }
    }
    return CleanPath(absl::StrCat("/", text));
  }
  return "";
}

void CheckPlace(const std::string& field, const std::string& path,
                const std::vector<TakenPlace>& others, Violations* violations) {
  if (path == "/") violations->Add(field, "'/' is the task's root: choose a directory in it");
  for (absl::string_view taken : kTaken) {
    if (path != taken) continue;
    violations->Add(field, "'", taken, "' is a directory that every task has of its own");
  }
  for (absl::string_view closed : kClosed) {
    if (!IsBeneath(path, closed)) continue;
    violations->Add(field, "nothing can be mounted in '", closed, "'");
  }
  for (const TakenPlace& other : others) {
    if (path == "/" || other.path.empty() || other.path == "/") continue;
    if (path == other.path) {
      violations->Add(field, "another ", other.by, " has the destination '", Shown(path), "', too");
    } else if (IsBeneath(path, other.path) || IsBeneath(other.path, path)) {
      violations->Add(field, "'", Shown(path), "' and '", Shown(other.path), "' of another ",
                      other.by, ": one lies in the other");
    }
  }
}

}  // namespace cloister::task
