// One body of a node policy file (policy_file.h), read attribute by attribute. For its readers
// only.
#ifndef CLOISTER_LIBS_NODE_POLICY_BODY_H_
#define CLOISTER_LIBS_NODE_POLICY_BODY_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/base/lexical_path.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/node/id_ranges.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

inline constexpr int64_t kMaxMib = int64_t{1} << 32;
inline constexpr int kMebibyteShift = 20;

inline bool IsAbsoluteClean(absl::string_view path) {
  return !path.empty() && path[0] == '/' && path.find('\0') == absl::string_view::npos &&
         CleanPath(path) == path;
}

// Reads one body's attributes into variables. What is wrong goes to the diagnostics, and the
// variable stays as it is.
class BodyReader {
 public:
  BodyReader(hcl::BodyContent content, const hcl::EvaluationScope& scope,
             hcl::Diagnostics* diagnostics)
      : content_(std::move(content)), scope_(scope), diagnostics_(*diagnostics) {}

  const hcl::BodyContent& content() const { return content_; }

  void Wrong(const hcl::Attribute& attribute, absl::string_view why) {
    diagnostics_.AddError(absl::StrCat("Invalid ", attribute.name), why,
                          attribute.ExpressionRange());
  }

  void Read(absl::string_view name, bool* value) {
    const hcl::Attribute* attribute = content_.Find(name);
    if (attribute == nullptr) return;
    *value = hcl::EvaluateBool(*attribute, scope_, diagnostics_).value_or(*value);
  }

  void Read(absl::string_view name, std::string* value) {
    if (auto text = Text(name)) *value = text->second;
  }

  void ReadMode(absl::string_view name, NamespaceMode* mode) {
    auto text = Text(name);
    if (!text.has_value()) return;
    if (text->second == "private" || text->second == "host") {
      *mode = text->second == "host" ? NamespaceMode::kHost : NamespaceMode::kPrivate;
    } else {
      Wrong(*text->first, absl::StrCat(name, " must be \"private\" or \"host\", got \"",
                                       absl::CHexEscape(text->second), "\"."));
    }
  }

  void ReadIds(absl::string_view name, absl::string_view field, std::vector<IdRange>* ranges) {
    auto text = Text(name);
    if (!text.has_value()) return;
    absl::StatusOr<std::vector<IdRange>> parsed = ParseIdRanges(field, text->second);
    if (!parsed.ok()) return Wrong(*text->first, absl::StrCat(parsed.status().message(), "."));
    // After those that are denied anyway.
    ranges->insert(ranges->end(), parsed->begin(), parsed->end());
  }

  // From `least` to `most`; others are wrong. None if it is not there.
  absl::optional<int64_t> Integer(absl::string_view name, int64_t least, int64_t most) {
    const hcl::Attribute* attribute = content_.Find(name);
    if (attribute == nullptr) return absl::nullopt;
    const absl::optional<int64_t> value = hcl::EvaluateInteger(*attribute, scope_, diagnostics_);
    if (!value.has_value() || (*value >= least && *value <= most)) return value;
    Wrong(*attribute, absl::StrCat("Must be from ", least, " to ", most, ", but is ", *value, "."));
    return absl::nullopt;
  }

  void ReadMib(absl::string_view name, uint64_t* bytes) {
    const absl::optional<int64_t> mib = Integer(name, 1, kMaxMib);
    if (mib.has_value()) *bytes = static_cast<uint64_t>(*mib) << kMebibyteShift;
  }

  void ReadDuration(absl::string_view name, absl::Duration* value) {
    auto text = Text(name);
    if (!text.has_value()) return;
    absl::Duration duration;
    if (absl::ParseDuration(text->second, &duration) && duration >= absl::ZeroDuration() &&
        duration < absl::InfiniteDuration()) {
      *value = duration;
    } else {
      Wrong(*text->first, "Must be a duration such as \"30s\" or \"5m\".");
    }
  }

  using List = std::pair<const hcl::Attribute*, std::vector<std::string>>;
  absl::optional<List> Texts(absl::string_view name) {
    const hcl::Attribute* attribute = content_.Find(name);
    if (attribute == nullptr) return absl::nullopt;
    auto list = hcl::EvaluateTextList(*attribute, scope_, diagnostics_);
    if (!list.has_value()) return absl::nullopt;
    return List(attribute, *std::move(list));
  }

  using Map = std::pair<const hcl::Attribute*, std::map<std::string, std::string>>;
  absl::optional<Map> TextMap(absl::string_view name) {
    const hcl::Attribute* attribute = content_.Find(name);
    if (attribute == nullptr) return absl::nullopt;
    auto map = hcl::EvaluateTextMap(*attribute, scope_, diagnostics_);
    if (!map.has_value()) return absl::nullopt;
    return Map(attribute, *std::move(map));
  }

  absl::optional<std::pair<const hcl::Attribute*, std::string>> Text(absl::string_view name) {
    const hcl::Attribute* attribute = content_.Find(name);
    if (attribute == nullptr) return absl::nullopt;
    auto text = hcl::EvaluateText(*attribute, scope_, diagnostics_);
    if (!text.has_value()) return absl::nullopt;
    return std::make_pair(attribute, *std::move(text));
  }

  hcl::Diagnostics& diagnostics() { return diagnostics_; }

 private:
  const hcl::BodyContent content_;
  const hcl::EvaluationScope& scope_;
  hcl::Diagnostics& diagnostics_;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_POLICY_BODY_H_
