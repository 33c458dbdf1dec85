// How long the attacks go on: a moment in an ordinary test run, and in the long one, which
// CLOISTER_ATTACK_LONG asks for, as long as asks for belief.
#ifndef CLOISTER_TESTS_ATTACK_EFFORT_H_
#define CLOISTER_TESTS_ATTACK_EFFORT_H_

#include <stdlib.h>

#include <cstdio>

namespace cloister {

inline bool IsLongRun() { return getenv("CLOISTER_ATTACK_LONG") != nullptr; }

// The one or the other.
inline long Effort(long quick, long thorough) { return IsLongRun() ? thorough : quick; }

// Exchanges of the two sides of a race, at least.
inline long Flips() { return Effort(300, 50'000); }

// A line that tests/attack/long_run copies to SPEC.md.
inline void ReportEffort(const char* attack, const char* cell, const char* what, long number) {
  std::printf("attack-result: %s\t%s\t%s\t%ld\n", attack, cell, what, number);
  std::fflush(stdout);
}

}  // namespace cloister

#endif  // CLOISTER_TESTS_ATTACK_EFFORT_H_
