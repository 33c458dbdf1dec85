// Whether this node fetches from a source at all: what can be said before a name is resolved. Where
// a connection goes is checked again when it is made.
#ifndef CLOISTER_LIBS_PLAN_CHECK_ARTIFACT_SOURCE_H_
#define CLOISTER_LIBS_PLAN_CHECK_ARTIFACT_SOURCE_H_

#include "absl/status/status.h"
#include "libs/artifact/artifact_source.h"
#include "libs/node/artifact_policy.h"

namespace cloister::plan {

// PERMISSION_DENIED says what of the node's policy is against it: its scheme, host or literal
// address, a file that lies in none of file_sources, hg where that is off, credentials that the
// node has not, that do not go to that host or do not travel unencrypted.
absl::Status CheckArtifactSource(const artifact::ArtifactSource& source,
                                 const node::ArtifactPolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_CHECK_ARTIFACT_SOURCE_H_
