#include "absl/strings/str_cat.h"
#include "libs/base/version.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class VersionVerb : public Verb {
 public:
  absl::string_view name() const override { return "version"; }
  absl::string_view arguments() const override { return "[flags]"; }
  absl::string_view summary() const override { return "Print the version of this program"; }
  absl::string_view details() const override {
    return "The version of each node's executor: cloister node ls\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session*) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (!expected.ok()) return expected;
    absl::Status printed = Print(json_ ? absl::StrCat("{\"version\": \"", kVersion, "\"}\n")
                                       : absl::StrCat("cloister ", kVersion, "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeVersionVerb() { return std::make_unique<VersionVerb>(); }

}  // namespace cloister
