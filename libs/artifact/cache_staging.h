// A directory of the cache that is being filled. For cache.
#ifndef CLOISTER_LIBS_ARTIFACT_CACHE_STAGING_H_
#define CLOISTER_LIBS_ARTIFACT_CACHE_STAGING_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

// Removed with all that is in it, unless the cache has taken it.
class CacheStaging {
 public:
  // In the directory `staging` (borrowed; a copy of it is kept).
  static absl::StatusOr<CacheStaging> Make(int staging);
  CacheStaging(CacheStaging&& other) noexcept = default;
  CacheStaging& operator=(CacheStaging&& other) = delete;
  ~CacheStaging();

  // Opens "content", what the object will hold; makes it where it is not there yet. The descriptor
  // is this one's.
  absl::StatusOr<int> OpenContent();
  // The directory around it, empty at first: for a fetch, which makes "content" in it.
  int directory() const { return directory_.get(); }
  // Its name in the cache's "staging".
  const std::string& name() const { return name_; }

  // It has been moved away.
  void Release() { staging_.reset(); }

 private:
  CacheStaging() = default;

  OwnedFd staging_;
  OwnedFd directory_;
  OwnedFd content_;
  std::string name_;
};

// Removes `name` in `parent` with all that is in it; as much as possible.
void RemoveTree(int parent, const std::string& name);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CACHE_STAGING_H_
