#include "libs/chroot/command_lookup.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cloister::chroot {

std::vector<std::string> CommandCandidates(absl::string_view command) {
  if (absl::StartsWith(command, "/")) return {std::string(command)};
  std::vector<std::string> candidates = {absl::StrCat("/local/", command),
                                         absl::StrCat("/", command)};
  if (absl::StrContains(command, '/')) return candidates;
  for (absl::string_view directory : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
    candidates.push_back(absl::StrCat(directory, command));
  }
  return candidates;
}

}  // namespace cloister::chroot
