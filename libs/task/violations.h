// What is wrong with a request, collected in the order of the checks. For ParseTaskSpec and its
// parts.
#ifndef CLOISTER_LIBS_TASK_VIOLATIONS_H_
#define CLOISTER_LIBS_TASK_VIOLATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/field_violations.h"

namespace cloister::task {

// Keeps the first 20, and counts the others: a request may be nothing but violations.
class Violations {
 public:
  template <typename... Parts>
  void Add(absl::string_view field, const Parts&... description) {
    if (told_.size() < kMaxTold) {
      told_.push_back({std::string(field), absl::StrCat(description...)});
    } else {
      ++untold_;
    }
  }
  absl::Status ToStatus() const {
    std::vector<FieldViolation> all = told_;
    if (untold_ > 0) all.push_back({"", absl::StrCat("and ", untold_, " further violations")});
    return InvalidArgument(all);
  }

 private:
  static constexpr size_t kMaxTold = 20;

  std::vector<FieldViolation> told_;
  size_t untold_ = 0;
};

// The text of a stranger, made fit for messages and terminals.
inline std::string Shown(absl::string_view text) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, 48)), text.size() > 48 ? "..." : "");
}

inline bool HasNul(absl::string_view text) { return text.find('\0') != absl::string_view::npos; }

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_VIOLATIONS_H_
