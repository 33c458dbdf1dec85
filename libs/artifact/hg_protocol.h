// What a Mercurial server is asked over HTTP, and what it answers: version 1 of its wire protocol
// (`hg help internals.wireprotocol`), of which three commands do: capabilities, lookup, getbundle.
// Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_HG_PROTOCOL_H_
#define CLOISTER_LIBS_ARTIFACT_HG_PROTOCOL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::artifact {

// The media type of its answers begins so.
constexpr absl::string_view kHgMediaType = "application/mercurial-0.1";

// 40 digits in lower case: how the id of a changeset is written.
bool IsHgNode(absl::string_view text);

// What `capabilities` answers. FAILED_PRECONDITION names what the server lacks.
absl::Status CheckHgCapabilities(absl::string_view answer);

// What `lookup` answers to the key `shown`: the id. NOT_FOUND with the server's words, and for the
// changeset of an empty repository.
absl::StatusOr<std::string> ParseHgLookup(absl::string_view answer, absl::string_view shown);

// The parameters of `getbundle` for `node` and all its ancestors, as a bundle of version 2 with
// nothing in it that would be Mercurial's own business.
std::vector<std::pair<std::string, std::string>> HgBundleParameters(const std::string& node);

// Of a bundle: enough to see whether it is a refusal.
constexpr size_t kHgBundleHeadBytes = 4096;

// How the bundle begins (`hg help internals.bundle2`). INVALID_ARGUMENT for what is none of version
// 2, or has parameters (by them it could be compressed once more, without a limit);
// FAILED_PRECONDITION with the server's words if it refuses.
absl::Status CheckHgBundleHead(absl::string_view head);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HG_PROTOCOL_H_
