#include "libs/artifact/cache_object.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/hasher.h"
#include "libs/base/base32.h"

namespace cloister::artifact {

std::string IndexKey(const std::vector<absl::string_view>& parts) {
  std::string key;
  for (const absl::string_view part : parts) absl::StrAppend(&key, part.size(), ":", part);
  return key;
}

std::string ObjectId(absl::string_view tenant, bool is_public, absl::string_view digest,
                     absl::string_view form) {
  Hasher hasher;
  hasher.Update(is_public ? IndexKey({"public", digest, form})
                          : IndexKey({"tenant", tenant, digest, form}));
  const std::string bytes =
      absl::HexStringToBytes(HexOf(hasher.Finish(), DigestAlgorithm::kSha256));
  return Base32Lower(absl::string_view(bytes).substr(0, 20));
}

bool IsStrongDigest(absl::string_view digest) {
  // A commit is a SHA-1, but of a tree that the server of the repository vouches for.
  return !absl::StartsWith(digest, "md5:") && !absl::StartsWith(digest, "sha1:") &&
         !absl::StartsWith(digest, "git:") && !absl::StartsWith(digest, "hg:");
}

}  // namespace cloister::artifact
