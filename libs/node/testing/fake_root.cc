#include "libs/node/testing/fake_root.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "gtest/gtest.h"

namespace cloister::node {
namespace {

namespace fs = std::filesystem;

void MakeParent(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  EXPECT_FALSE(error) << path << ": " << error.message();
}

}  // namespace

FakeRoot::FakeRoot() {
  std::string pattern = testing::TempDir() + "/fake_root_XXXXXX";
  EXPECT_NE(mkdtemp(&pattern[0]), nullptr) << pattern;
  path_ = pattern;
}

FakeRoot::~FakeRoot() {
  std::error_code error;
  fs::remove_all(path_, error);
  EXPECT_FALSE(error) << path_ << ": " << error.message();
}

void FakeRoot::AddDirectory(const std::string& inside) { MakeParent(path_ + inside + "/x"); }

void FakeRoot::AddFile(const std::string& inside, const std::string& content) {
  MakeParent(path_ + inside);
  std::ofstream(path_ + inside) << content;
}

void FakeRoot::AddLink(const std::string& inside, const std::string& target) {
  MakeParent(path_ + inside);
  std::error_code error;
  fs::create_symlink(target, path_ + inside, error);
  EXPECT_FALSE(error) << inside << ": " << error.message();
}

}  // namespace cloister::node
