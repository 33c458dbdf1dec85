// What the cache knows of an object, and by which keys it is found.
#ifndef CLOISTER_LIBS_ARTIFACT_CACHE_OBJECT_H_
#define CLOISTER_LIBS_ARTIFACT_CACHE_OBJECT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/adopt_tree.h"

namespace cloister::artifact {

// What a caller must know to be given an object: it names the content.
struct ObjectKey {
  std::string tenant;
  // "sha256:<hex>" of the bytes that are fetched (Checksum::ToString), or "git:<commit>".
  std::string digest;
  // What is made of the bytes: one text for each way to unpack ("zip strip=1 umask=022 //sub").
  std::string form;
};

// What the server said of a representation (RFC 9110, section 8.8).
struct Validator {
  std::string etag;
  std::string last_modified;
  // When it was last said.
  absl::Time checked;
};

struct ObjectFacts {
  std::string id;
  std::string tenant;
  bool is_public = false;
  std::vector<std::string> digests;
  std::string form;
  std::string tree_digest;
  TreeFacts tree;
  // Redacted.
  std::string source;
  absl::Time created;
  absl::Time last_used;
  // Who holds it: sorted.
  std::vector<std::string> holders;
};

// A file name: of (tenant or public, the first digest, form). 32 characters.
std::string ObjectId(absl::string_view tenant, bool is_public, absl::string_view digest,
                     absl::string_view form);

// The key of an index: no two lists of parts give the same.
std::string IndexKey(const std::vector<absl::string_view>& parts);

// False for md5 and sha1, of which anybody can make two contents with one digest: not a key to what
// another tenant has put there.
bool IsStrongDigest(absl::string_view digest);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CACHE_OBJECT_H_
