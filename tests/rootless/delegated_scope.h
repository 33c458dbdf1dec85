// A cgroup (v2) that is given to an ordinary user, as systemd's user manager or whoever runs a
// machine does it. In the guest only (//tests/vm): it takes cgroup v2 with all controllers, and
// what is given away stays.
#ifndef CLOISTER_TESTS_ROOTLESS_DELEGATED_SCOPE_H_
#define CLOISTER_TESTS_ROOTLESS_DELEGATED_SCOPE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace cloister {

class DelegatedScope {
 public:
  // As root, before it becomes the user `id`: makes it, with this process in its leaf "test". On
  // a machine other than the guest nothing, and a path() that is empty.
  explicit DelegatedScope(uint32_t id);

  const std::string& path() const { return path_; }
  // Names of cgroups in it, or in one beneath it ("/test").
  std::vector<std::string> Children(const std::string& beneath = "") const;

 private:
  std::string path_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ROOTLESS_DELEGATED_SCOPE_H_
