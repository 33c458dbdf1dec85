// Makes a test that root runs one of an ordinary user: of an id that nobody has, with a home, a
// temporary directory and copies of the cluster's programs of its own, as it can reach neither
// root's cache nor anything else of root's. Nothing of the machine is changed: what /etc says of
// its name and its range of ids is mounted over the files, in a mount namespace of the test's own.
//
//   int main(int argc, char** argv) {
//     const cloister::OrdinaryUser user({12345, 0, 0});
//     testing::InitGoogleTest(&argc, argv);
//     return RUN_ALL_TESTS();
//   }
#ifndef CLOISTER_TESTS_TESTING_ORDINARY_USER_H_
#define CLOISTER_TESTS_TESTING_ORDINARY_USER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace cloister {

struct OrdinaryUserOptions {
  uint32_t id = 12345;
  // In /etc/subuid and /etc/subgid. 0 ids: none, and no name in /etc/passwd either.
  uint32_t first_subordinate = 0;
  uint32_t subordinates = 0;
};

class OrdinaryUser {
 public:
  // First thing in main(), before there is another thread. Ends the process with a sentence where
  // it cannot be done. Does nothing if the test's user is an ordinary one already.
  explicit OrdinaryUser(const OrdinaryUserOptions& options);
  // Removes the directory.
  ~OrdinaryUser();
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  absl::Status Become(const OrdinaryUserOptions& options);

  std::string directory_;
  bool has_range_ = false;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_ORDINARY_USER_H_
