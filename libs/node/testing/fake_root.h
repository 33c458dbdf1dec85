// FakeRoot: a directory of a test's that stands for a node's "/".
#ifndef CLOISTER_LIBS_NODE_TESTING_FAKE_ROOT_H_
#define CLOISTER_LIBS_NODE_TESTING_FAKE_ROOT_H_

#include <string>

namespace cloister::node {

// Removed with everything in it at the end. Paths begin with '/'; parents are made as needed. A
// failure fails the test.
class FakeRoot {
 public:
  FakeRoot();
  ~FakeRoot();
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  const std::string& path() const { return path_; }

  void AddDirectory(const std::string& inside);
  void AddFile(const std::string& inside, const std::string& content);
  void AddLink(const std::string& inside, const std::string& target);

 private:
  std::string path_;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_TESTING_FAKE_ROOT_H_
