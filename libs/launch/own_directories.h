// The directories of a task's root that are its own: where what is missing may be made, and what
// cannot be executed be made executable. Also for freestanding code, so without the C++ library.
#ifndef CLOISTER_LIBS_LAUNCH_OWN_DIRECTORIES_H_
#define CLOISTER_LIBS_LAUNCH_OWN_DIRECTORIES_H_

namespace cloister {
namespace launch {

// Each is a mount of its own, so that RESOLVE_NO_XDEV of openat2(2) keeps to it: a volume that is
// mounted in one is not the task's.
constexpr const char* kOwnDirectories[] = {"/local", "/alloc", "/tmp", "/secrets"};

// What is left of `path` beneath `directory`, without a slash in front; nullptr if it is not
// beneath it. Text only: whether a link or ".." leads out is for openat2(2) to say.
constexpr const char* RestBeneath(const char* path, const char* directory) {
  while (*directory != '\0' && *path == *directory) {
    ++path;
    ++directory;
  }
  if (*directory != '\0' || *path != '/') return nullptr;
  while (*path == '/') ++path;
  return *path != '\0' ? path : nullptr;
}

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_OWN_DIRECTORIES_H_
