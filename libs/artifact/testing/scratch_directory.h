// A directory of a test's own, gone at its end.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_SCRATCH_DIRECTORY_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_SCRATCH_DIRECTORY_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  // `path` relative to it; missing directories are made.
  void Write(const std::string& path, absl::string_view content, unsigned mode = 0644) const;
  std::string Read(const std::string& path) const;
  void MakeDirectory(const std::string& path, unsigned mode = 0755) const;
  void Link(const std::string& path, const std::string& target) const;
  // A directory within it, open for reading.
  OwnedFd Open(const std::string& path) const;
  bool Exists(const std::string& path) const;

  // All that is in `path`, by relative path: "d755", "f644 content" (of up to 64 bytes), "->
  // target".
  std::map<std::string, std::string> List(const std::string& path = "") const;

 private:
  std::string path_;
  OwnedFd fd_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_SCRATCH_DIRECTORY_H_
