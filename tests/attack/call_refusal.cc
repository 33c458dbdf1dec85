#include "tests/attack/call_refusal.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"

namespace cloister {
namespace {

constexpr char kExecutor[] = "CLOISTER_TEST_EXECUTOR";

std::string& Refused() {
  static std::string& calls = *new std::string;
  return calls;
}

std::string Absolute(const char* path) {
  char* const resolved = realpath(path, nullptr);
  const std::string result = resolved == nullptr ? "" : resolved;
  free(resolved);
  return result;
}

}  // namespace

void RefuseCalls(const std::string& calls) {
  static const std::string& executor = *new std::string(Absolute(getenv(kExecutor)));
  Refused() = calls;
  if (calls.empty()) {
    setenv(kExecutor, executor.c_str(), 1);
    return;
  }
  const std::string script =
      absl::StrCat(getenv("TEST_TMPDIR"), "/cloister-executor-", RandomId().substr(0, 8));
  std::ofstream(script) << "#!/bin/sh\nexec " << Absolute(getenv("CLOISTER_TEST_WITHOUT_CALLS"))
                        << " " << calls << " " << executor << " \"$@\"\n";
  EXPECT_EQ(chmod(script.c_str(), 0755), 0) << script;
  setenv(kExecutor, script.c_str(), 1);
}

bool IsRefused(const std::string& call) {
  const std::vector<std::string> calls = absl::StrSplit(Refused(), ',');
  return std::count(calls.begin(), calls.end(), call) > 0;
}

}  // namespace cloister
