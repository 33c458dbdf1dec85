// Of all attacks: as root, or as an ordinary user where CLOISTER_ATTACK_ROOTLESS says so; on a
// kernel that lacks the calls that CLOISTER_ATTACK_WITHOUT names.
#include <stdlib.h>

#include <memory>

#include "gtest/gtest.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/call_refusal.h"
#include "tests/rootless/delegated_scope.h"
#include "tests/testing/ordinary_user.h"

int main(int argc, char** argv) {
  std::unique_ptr<cloister::OrdinaryUser> user;
  if (cloister::IsRootless()) {
    cloister::OrdinaryUserOptions options;
    options.id = 12347;
    const cloister::DelegatedScope scope(options.id);
    if (!scope.path().empty()) setenv(cloister::kLimited, "1", 1);
    if (cloister::HasIdRange()) {
      options.first_subordinate = 900000;
      // Those of ordinary tasks, with our own, and ranges for a few others.
      options.subordinates = 9 * 65536 - 1;
    }
    user = std::make_unique<cloister::OrdinaryUser>(options);
    // Taken from the environment before main: a report where only root may write.
    testing::GTEST_FLAG(output) = "";
  }
  // The cells depend on it, and InitGoogleTest asks for those.
  const char* const calls = getenv("CLOISTER_ATTACK_WITHOUT");
  if (calls != nullptr) cloister::RefuseCalls(calls);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
