#include "tests/bench/peer_seccomp.h"

#include <errno.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "libs/base/status_macros.h"
#include "libs/seccomp/compile.h"
#include "tests/bench/json_text.h"

namespace cloister::bench {
namespace {

using seccomp::Condition;
using seccomp::Rule;

constexpr uint64_t kLowWord = 0xffffffff;

JsonObject Call(const std::string& call, const std::string& action) {
  JsonObject object;
  object.Add("names", JsonStrings({call})).AddString("action", action);
  return object;
}

// `argument` masked with `mask` is `word`.
std::string MaskedEqual(int argument, uint64_t mask, uint64_t word) {
  return JsonObject()
      .AddNumber("index", argument)
      .AddNumber("value", mask)
      .AddNumber("valueTwo", word)
      .AddString("op", "SCMP_CMP_MASKED_EQ")
      .ToString();
}

std::string NotEqual(int argument, uint64_t word) {
  return JsonObject()
      .AddNumber("index", argument)
      .AddNumber("value", word)
      .AddString("op", "SCMP_CMP_NE")
      .ToString();
}

// The conditions of which one must hold.
std::vector<std::string> Alternatives(const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kOneOf: {
      std::vector<std::string> alternatives;
      for (const uint32_t word : condition.words) {
        alternatives.push_back(MaskedEqual(condition.argument, kLowWord, word));
      }
      return alternatives;
    }
    case Condition::Kind::kNoneOf:
      return {NotEqual(condition.argument, condition.words.front())};
    case Condition::Kind::kNoBits:
      return {MaskedEqual(condition.argument, condition.words.front(), 0)};
  }
  return {};
}

void AddCalls(const std::string& call, const Rule& rule, std::vector<std::string>* calls) {
  if (rule.error != 0) {
    calls->push_back(Call(call, "SCMP_ACT_ERRNO").AddNumber("errnoRet", rule.error).ToString());
    return;
  }
  if (!rule.condition.has_value()) {
    calls->push_back(Call(call, "SCMP_ACT_ALLOW").ToString());
    return;
  }
  for (const std::string& alternative : Alternatives(*rule.condition)) {
    calls->push_back(Call(call, "SCMP_ACT_ALLOW").Add("args", JsonArray({alternative})).ToString());
  }
}

}  // namespace

absl::StatusOr<PeerSeccomp> MakePeerSeccomp(const seccomp::Profile& profile) {
  PeerSeccomp peer;
  CLOISTER_ASSIGN_OR_RETURN(peer.bpf, seccomp::Compile(profile));
  std::vector<std::string> calls;
  for (const auto& [call, rule] : profile.rules) AddCalls(call, rule, &calls);
  peer.oci_json = JsonObject()
                      .AddString("defaultAction", "SCMP_ACT_ERRNO")
                      .AddNumber("defaultErrnoRet", EPERM)
                      .Add("architectures", JsonStrings({"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}))
                      .Add("syscalls", JsonArray(calls))
                      .ToString();
  return peer;
}

}  // namespace cloister::bench
