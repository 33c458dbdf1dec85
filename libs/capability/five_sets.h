// The five capability sets a task starts with (capabilities(7)), from the one set that was
// calculated for it.
#ifndef CLOISTER_LIBS_CAPABILITY_FIVE_SETS_H_
#define CLOISTER_LIBS_CAPABILITY_FIVE_SETS_H_

#include <cstdint>

#include "libs/capability/capability_set.h"

namespace cloister::capability {

struct FiveSets {
  CapabilitySet bounding;
  CapabilitySet permitted;
  CapabilitySet effective;
  CapabilitySet inheritable;
  CapabilitySet ambient;
};

// `result` is what CalculateCapabilities gave, `added` what the task asked for by cap_add, `uid`
// who it runs as.
//
// A uid other than 0: the bounding set is `result`; the other four are what was added and is in
// `result`. The rest of `result` is a ceiling, not a grant: the defaults made ambient would let uid
// nobody read /etc/shadow (dac_override), and with no_new_privs a program cannot climb to them
// either.
//
// uid 0: bounding, permitted and effective are `result`, inheritable and ambient empty: execve
// gives a uid-0 program all of its bounding set anyway, and what it starts as another user shall
// inherit nothing.
constexpr FiveSets MakeFiveSets(CapabilitySet result, CapabilitySet added, uint32_t uid) {
  if (uid == 0) return FiveSets{result, result, result, CapabilitySet(), CapabilitySet()};
  const CapabilitySet held = added & result;
  return FiveSets{result, held, held, held, held};
}

}  // namespace cloister::capability

#endif  // CLOISTER_LIBS_CAPABILITY_FIVE_SETS_H_
