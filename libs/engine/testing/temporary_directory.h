// TemporaryDirectory: a fresh directory of a test's, with a path short enough for sockets in it
// (TempDir() of a sandboxed test is not), removed with all that is in it at the end.
#ifndef CLOISTER_LIBS_ENGINE_TESTING_TEMPORARY_DIRECTORY_H_
#define CLOISTER_LIBS_ENGINE_TESTING_TEMPORARY_DIRECTORY_H_

#include <string>

namespace cloister::engine {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  // "<path>/<name>"
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TESTING_TEMPORARY_DIRECTORY_H_
