#include "libs/cgroup/testing/fake_cgroup_fs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cloister::cgroup {

FakeCgroupFs::FakeCgroupFs() : root_(testing::TempDir() + "cgroupXXXXXX") {
  EXPECT_NE(mkdtemp(&root_[0]), nullptr);
}

FakeCgroupFs::~FakeCgroupFs() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void FakeCgroupFs::Add(const std::string& path, const std::map<std::string, std::string>& files) {
  const std::string directory = absl::StrCat(root_, "/", path);
  std::filesystem::create_directories(directory);
  for (const auto& [name, contents] : files) {
    std::ofstream(absl::StrCat(directory, "/", name)) << contents;
  }
}

std::string FakeCgroupFs::Read(const std::string& path) const {
  std::ifstream file(absl::StrCat(root_, "/", path));
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool FakeCgroupFs::Exists(const std::string& path) const {
  return access(absl::StrCat(root_, "/", path).c_str(), F_OK) == 0;
}

internal::CgroupPlan::Hierarchy FakeCgroupFs::Hierarchy(const std::string& directory,
                                                        const std::string& parent, bool unified,
                                                        absl::string_view controllers,
                                                        absl::string_view limits) const {
  internal::CgroupPlan::Hierarchy hierarchy;
  hierarchy.set_mount_point(absl::StrCat(root_, "/", directory));
  hierarchy.set_parent(parent);
  hierarchy.set_unified(unified);
  for (absl::string_view name : absl::StrSplit(controllers, ' ', absl::SkipEmpty())) {
    hierarchy.add_controllers(std::string(name));
  }
  for (absl::string_view limit : absl::StrSplit(limits, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(limit, '=');
    internal::CgroupPlan::Write* write = hierarchy.add_limits();
    write->set_file(parts.first);
    write->set_value(parts.second);
  }
  return hierarchy;
}

}  // namespace cloister::cgroup
