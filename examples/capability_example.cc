// How to use libs/capability from another program: which capabilities would a task get?
//
//   bazel run //examples:capability_example -- net_raw
//
// Prints the five sets of a task of an ordinary user that adds the capabilities named as arguments,
// on a node that allows the defaults and net_raw. As a test it runs without arguments.
#include <iostream>
#include <string>
#include <vector>

#include "libs/capability/calculate.h"
#include "libs/capability/five_sets.h"
#include "libs/capability/names.h"

namespace {

namespace capability = cloister::capability;

// The node: what the kernel knows (/proc/sys/kernel/cap_last_cap), and what the operator lets tasks
// add.
constexpr auto kSupported = capability::CapabilitySet::UpTo(40);
constexpr auto kAllowed = capability::kDefaultCapabilities | capability::CapabilitySet{13};

int Run(const std::vector<std::string>& cap_add) {
  const auto add = capability::ParseCapabilityList(cap_add);
  if (!add.ok()) {
    std::cerr << add.status().message() << "\n";
    return 2;
  }
  const auto added = add->Expand(kSupported);
  const auto result = capability::CalculateCapabilities(
      capability::kDefaultCapabilities, kAllowed, added, /*drop=*/capability::CapabilitySet());
  if (!result.ok()) {
    std::cerr << result.status().message() << "\n";
    return 1;
  }
  const capability::FiveSets sets = capability::MakeFiveSets(*result, added, /*uid=*/1000);
  std::cout << "bounding:    " << capability::JoinedNames(sets.bounding) << "\n"
            << "permitted:   " << capability::JoinedNames(sets.permitted) << "\n"
            << "effective:   " << capability::JoinedNames(sets.effective) << "\n"
            << "inheritable: " << capability::JoinedNames(sets.inheritable) << "\n"
            << "ambient:     " << capability::JoinedNames(sets.ambient) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Run(std::vector<std::string>(argv + 1, argv + argc)); }
