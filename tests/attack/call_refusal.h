// Programs as on a kernel that lacks system calls.
#ifndef CLOISTER_TESTS_ATTACK_CALL_REFUSAL_H_
#define CLOISTER_TESTS_ATTACK_CALL_REFUSAL_H_

#include <string>

namespace cloister {

// Those of landlock(7), by names as RefuseCalls takes them.
constexpr char kLandlockCalls[] =
    "landlock_create_ruleset,landlock_add_rule,landlock_restrict_self";

// From here on executors that this test starts, and the launchers that those start, run without
// `calls` ("clone3,open_tree"; empty: with all). Fails the test if it cannot be done.
void RefuseCalls(const std::string& calls);

// Whether they run without this one.
bool IsRefused(const std::string& call);

}  // namespace cloister

#endif  // CLOISTER_TESTS_ATTACK_CALL_REFUSAL_H_
