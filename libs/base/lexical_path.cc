#include "libs/base/lexical_path.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace cloister {
namespace {

bool IsAbsolute(absl::string_view path) { return absl::StartsWith(path, "/"); }

// True of most paths: taking them apart and putting them together again changes nothing. May be
// false of one that is clean.
bool IsPlainlyClean(absl::string_view path) {
  return path.size() > 1 && path.front() == '/' && path.back() != '/' &&
         !absl::StrContains(path, "//") && !absl::StrContains(path, "/.");
}

// What a ".." means that has no component left to take back.
enum class Outermost { kIsTheRoot, kLeadsOut };

std::vector<absl::string_view> CleanComponents(absl::string_view path, Outermost outermost) {
  std::vector<absl::string_view> clean;
  for (const absl::string_view component : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (component == ".") continue;
    if (component != "..") {
      clean.push_back(component);
    } else if (!clean.empty() && clean.back() != "..") {
      clean.pop_back();
    } else if (outermost == Outermost::kLeadsOut) {
      clean.push_back(component);
    }
  }
  return clean;
}

}  // namespace

std::vector<absl::string_view> SplitPath(absl::string_view path) {
  return CleanComponents(path, IsAbsolute(path) ? Outermost::kIsTheRoot : Outermost::kLeadsOut);
}

std::string CleanPath(absl::string_view path) {
  if (IsPlainlyClean(path)) return std::string(path);
  std::string clean =
      absl::StrCat(IsAbsolute(path) ? "/" : "", absl::StrJoin(SplitPath(path), "/"));
  return clean.empty() ? "." : clean;
}

std::string JoinPath(absl::string_view dir, absl::string_view rest) {
  std::string beneath = absl::StrJoin(CleanComponents(rest, Outermost::kIsTheRoot), "/");
  std::string base = CleanPath(dir);
  if (beneath.empty()) return base;
  if (base == ".") return beneath;
  return absl::StrCat(base, base == "/" ? "" : "/", beneath);
}

bool IsBeneath(absl::string_view path, absl::string_view dir) {
  if (IsAbsolute(path) != IsAbsolute(dir)) return false;
  if (IsPlainlyClean(path) && IsPlainlyClean(dir)) {
    return absl::StartsWith(path, dir) && (path.size() == dir.size() || path[dir.size()] == '/');
  }
  const std::vector<absl::string_view> inner = SplitPath(path);
  const std::vector<absl::string_view> outer = SplitPath(dir);
  if (!inner.empty() && inner.front() == "..") return false;
  if (inner.size() < outer.size()) return false;
  return std::equal(outer.begin(), outer.end(), inner.begin());
}

}  // namespace cloister
