// The secrets that artifacts are fetched with: named by a task, kept by the node, read for each
// fetch. They go to the fetcher and nowhere else.
#ifndef CLOISTER_LIBS_ENGINE_ARTIFACT_CREDENTIAL_H_
#define CLOISTER_LIBS_ENGINE_ARTIFACT_CREDENTIAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/credential.h"
#include "libs/node/artifact_policy.h"

namespace cloister::engine {

// How long a program that prints one may take.
inline constexpr absl::Duration kCredentialPatience = absl::Seconds(30);

// That of this name, from its file or its program; kNone for the empty name. Blocks. That it goes
// to the source's host is checked already (plan/check_artifact_source.h).
//
//   PERMISSION_DENIED     the node has none of that name, or not for this tenant
//   FAILED_PRECONDITION   its file is not ours alone (owner, mode 0600), is over 64 KiB, or holds
//                         no secret; its program failed. Never says what is in it.
absl::StatusOr<artifact::Credential> ReadCredential(const node::ArtifactPolicy& policy,
                                                    absl::string_view name,
                                                    absl::string_view tenant);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ARTIFACT_CREDENTIAL_H_
