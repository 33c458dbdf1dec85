#include "libs/artifact/testing/scratch_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace cloister::artifact {
namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory() {
  const char* base = getenv("TEST_TMPDIR");
  path_ = absl::StrCat(base == nullptr ? "/tmp" : base, "/artifact-XXXXXX");
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
  fd_ = Open("");
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code error;
  for (fs::recursive_directory_iterator it(path_, error), end; it != end; it.increment(error)) {
    if (it->is_directory(error) && !it->is_symlink(error))
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, error);
  }
  fs::remove_all(path_, error);
}

void ScratchDirectory::Write(const std::string& path, absl::string_view content,
                             unsigned mode) const {
  const fs::path whole = fs::path(path_) / path;
  fs::create_directories(whole.parent_path());
  std::ofstream(whole, std::ios::binary) << content;
  EXPECT_EQ(chmod(whole.c_str(), mode), 0);
}

std::string ScratchDirectory::Read(const std::string& path) const {
  std::ifstream file(fs::path(path_) / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void ScratchDirectory::MakeDirectory(const std::string& path, unsigned mode) const {
  const fs::path whole = fs::path(path_) / path;
  fs::create_directories(whole);
  EXPECT_EQ(chmod(whole.c_str(), mode), 0);
}

void ScratchDirectory::Link(const std::string& path, const std::string& target) const {
  EXPECT_EQ(symlink(target.c_str(), (fs::path(path_) / path).c_str()), 0);
}

OwnedFd ScratchDirectory::Open(const std::string& path) const {
  OwnedFd fd(open((fs::path(path_) / path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << path;
  return fd;
}

bool ScratchDirectory::Exists(const std::string& path) const {
  struct stat facts;
  return lstat((fs::path(path_) / path).c_str(), &facts) == 0;
}

std::map<std::string, std::string> ScratchDirectory::List(const std::string& path) const {
  std::map<std::string, std::string> listed;
  const fs::path top = path.empty() ? fs::path(path_) : fs::path(path_) / path;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top)) {
    struct stat facts;
    EXPECT_EQ(lstat(entry.path().c_str(), &facts), 0);
    std::string shown = absl::StrFormat("%o", facts.st_mode & 07777);
    if (S_ISLNK(facts.st_mode)) {
      shown = absl::StrCat("-> ", fs::read_symlink(entry.path()).string());
    } else if (S_ISDIR(facts.st_mode)) {
      shown = absl::StrCat("d", shown);
    } else if (S_ISREG(facts.st_mode)) {
      shown = absl::StrCat(
          "f", shown, " ",
          facts.st_size > 64 ? absl::StrCat(facts.st_size, " bytes") : Read(entry.path().string()));
    } else {
      shown = absl::StrCat("?", shown);
    }
    listed[entry.path().lexically_relative(top).string()] = shown;
  }
  return listed;
}

}  // namespace cloister::artifact
