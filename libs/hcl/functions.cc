#include "libs/hcl/functions.h"

#include "libs/hcl/function_groups.h"

namespace cloister::hcl {
namespace {

constexpr absl::string_view kReadsMachine =
    "It reads the machine on which the file is evaluated, which is not the one that runs the task.";
constexpr absl::string_view kNotPure =
    "It gives something else each time, so that the same file would not be the same task.";
constexpr absl::string_view kNotBuilt = "This version does not have it.";

struct Refused {
  absl::string_view name;
  absl::string_view why;
};
constexpr Refused kRefused[] = {
    {"abspath", kReadsMachine},
    {"file", kReadsMachine},
    {"filebase64", kReadsMachine},
    {"fileexists", kReadsMachine},
    {"fileset", kReadsMachine},
    {"filemd5", kReadsMachine},
    {"filesha1", kReadsMachine},
    {"filesha256", kReadsMachine},
    {"filesha512", kReadsMachine},
    {"pathexpand", kReadsMachine},
    {"templatefile", kReadsMachine},
    {"bcrypt", kNotPure},
    {"timestamp", kNotPure},
    {"uuid", kNotPure},
    {"uuidv4", kNotPure},
    {"uuidv5", kNotBuilt},
    {"rsadecrypt", kNotBuilt},
    {"yamldecode", kNotBuilt},
    {"yamlencode", kNotBuilt},
    {"cidrhost", kNotBuilt},
    {"cidrnetmask", kNotBuilt},
    {"cidrsubnet", kNotBuilt},
    {"cidrsubnets", kNotBuilt},
};

}  // namespace

absl::Status FunctionBudget::Spend(uint64_t bytes) {
  if (bytes > left_) {
    left_ = 0;
    return absl::ResourceExhaustedError("the result would be too large, or take too long.");
  }
  left_ -= bytes;
  return absl::OkStatus();
}

const FunctionTable& StandardFunctions() {
  static const FunctionTable* const kTable = [] {
    auto* table = new FunctionTable();
    for (const absl::Span<const Function> group :
         {NumberFunctions(), TextFunctions(), FormatFunctions(), RegexFunctions(),
          CollectionFunctions(), SetFunctions(), EncodingFunctions(), TimeFunctions(),
          TypeFunctions()}) {
      for (const Function& function : group) table->emplace(function.name, function);
    }
    return table;
  }();
  return *kTable;
}

absl::string_view WhyFunctionIsRefused(absl::string_view name) {
  for (const Refused& refused : kRefused) {
    if (refused.name == name) return refused.why;
  }
  return "";
}

}  // namespace cloister::hcl
