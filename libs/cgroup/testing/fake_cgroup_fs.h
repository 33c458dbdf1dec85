// A cgroup tree made of ordinary directories and files: tells what was written where. Nothing in it
// is limited, killed or counted; that is for tests/kernel/cgroup.
#ifndef CLOISTER_LIBS_CGROUP_TESTING_FAKE_CGROUP_FS_H_
#define CLOISTER_LIBS_CGROUP_TESTING_FAKE_CGROUP_FS_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "cloister/internal/plan.pb.h"

namespace cloister::cgroup {

class FakeCgroupFs {
 public:
  // An empty directory, removed with all that is in it at the end.
  FakeCgroupFs();
  ~FakeCgroupFs();

  FakeCgroupFs(const FakeCgroupFs&) = delete;
  FakeCgroupFs& operator=(const FakeCgroupFs&) = delete;

  const std::string& root() const { return root_; }

  // Makes cgroup `path` beneath the root, and in it files with these contents.
  void Add(const std::string& path, const std::map<std::string, std::string>& files);

  std::string Read(const std::string& path) const;
  bool Exists(const std::string& path) const;

  // A hierarchy mounted at `directory` beneath the root, with tasks in `parent`; `controllers` and
  // limits
  // ("file=value") are separated by blanks.
  internal::CgroupPlan::Hierarchy Hierarchy(const std::string& directory, const std::string& parent,
                                            bool unified, absl::string_view controllers,
                                            absl::string_view limits) const;

 private:
  std::string root_;
};

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_TESTING_FAKE_CGROUP_FS_H_
