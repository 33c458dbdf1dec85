// JSON written by hand: for config.json of the OCI runtimes and for --json. Numbers of 64 bits stay
// exact, which protobuf's JSON printer does not promise.
#ifndef CLOISTER_TESTS_BENCH_JSON_TEXT_H_
#define CLOISTER_TESTS_BENCH_JSON_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister::bench {

// Quoted and escaped. `text` is UTF-8.
std::string JsonString(absl::string_view text);

// "[a,b]" of values that are JSON already; and of strings that are not.
std::string JsonArray(const std::vector<std::string>& values);
std::string JsonStrings(const std::vector<std::string>& texts);

// Members in the order in which they are added.
class JsonObject {
 public:
  // `json` is JSON already.
  JsonObject& Add(absl::string_view name, absl::string_view json);
  JsonObject& AddString(absl::string_view name, absl::string_view text);
  JsonObject& AddNumber(absl::string_view name, uint64_t number);
  // With six significant digits; null unless it is finite.
  JsonObject& AddReal(absl::string_view name, double number);
  JsonObject& AddBool(absl::string_view name, bool value);

  std::string ToString() const;

 private:
  std::string members_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_JSON_TEXT_H_
