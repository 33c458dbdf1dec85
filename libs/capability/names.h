// The names of Linux capabilities: text <-> number, in every spelling that task files use.
//
// Names come without "cap_", in lower case, as in the exec driver's page: "net_raw". Reading is
// lenient: surrounding white space, case and a leading "cap_" do not matter. Source:
// linux/capability.h up to CAP_CHECKPOINT_RESTORE.
#ifndef CLOISTER_LIBS_CAPABILITY_NAMES_H_
#define CLOISTER_LIBS_CAPABILITY_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "libs/capability/capability_set.h"

namespace cloister::capability {

// " CAP_Net_Raw " gives "net_raw".
std::string NormaliseName(absl::string_view text);

// The number of a capability, e.g. 13 for "NET_RAW". None for anything that names no single one;
// "all" does not.
absl::optional<int> NumberOf(absl::string_view text);

// "net_raw" for 13. A number without a name here (a newer kernel's) gives the number as text.
std::string NameOf(int number);

// Lower-case names, in alphabetic order.
std::vector<std::string> SortedNames(CapabilitySet set);

// The same, joined by ", "; "none" for the empty set.
std::string JoinedNames(CapabilitySet set);

// What a list of names such as cap_add asks for. "all" means what the node's kernel supports, which
// the text alone cannot tell: Expand() is told.
struct CapabilityList {
  bool all = false;
  CapabilitySet named;

  CapabilitySet Expand(CapabilitySet supported) const { return all ? named | supported : named; }
  bool empty() const { return !all && named.empty(); }
};

// Adds one name, or "all", to the list. False if the text is neither. Empty text adds nothing and
// is no error: it is what an interpolated name without a value gives.
bool AddName(absl::string_view text, CapabilityList& list);

// The whole list; INVALID_ARGUMENT names every entry that is not a capability.
absl::StatusOr<CapabilityList> ParseCapabilityList(absl::Span<const std::string> names);

}  // namespace cloister::capability

#endif  // CLOISTER_LIBS_CAPABILITY_NAMES_H_
