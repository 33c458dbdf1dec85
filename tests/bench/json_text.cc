#include "tests/bench/json_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace cloister::bench {

std::string JsonString(absl::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&json, "\\u%04x", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string JsonArray(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

std::string JsonStrings(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  for (const std::string& text : texts) values.push_back(JsonString(text));
  return JsonArray(values);
}

JsonObject& JsonObject::Add(absl::string_view name, absl::string_view json) {
  absl::StrAppend(&members_, members_.empty() ? "" : ",", JsonString(name), ":", json);
  return *this;
}

JsonObject& JsonObject::AddString(absl::string_view name, absl::string_view text) {
  return Add(name, JsonString(text));
}

JsonObject& JsonObject::AddNumber(absl::string_view name, uint64_t number) {
  return Add(name, absl::StrCat(number));
}

JsonObject& JsonObject::AddReal(absl::string_view name, double number) {
  return Add(name, std::isfinite(number) ? absl::StrFormat("%.6g", number) : "null");
}

JsonObject& JsonObject::AddBool(absl::string_view name, bool value) {
  return Add(name, value ? "true" : "false");
}

std::string JsonObject::ToString() const { return absl::StrCat("{", members_, "}"); }

}  // namespace cloister::bench
