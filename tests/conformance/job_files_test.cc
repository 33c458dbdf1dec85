// Each job file of examples/ is right, and the page's second example wrong for its checksum.
#include <dirent.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/diagnostic.h"
#include "libs/jobspec/job_file.h"
#include "libs/jobspec/variable_file.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kDirectory[] = "examples";

std::string Read(const std::string& name) {
  std::ifstream file(absl::StrCat(kDirectory, "/", name));
  EXPECT_TRUE(file.is_open()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

jobspec::JobFile Job(const std::string& name, const jobspec::JobFileOptions& options = {}) {
  jobspec::JobFile file = jobspec::ReadJobFile(name, Read(name), options);
  jobspec::CheckJobFile(&file);
  return file;
}

std::string Problems(const jobspec::JobFile& file) {
  return hcl::RenderDiagnostics(file.diagnostics, file.source);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  DIR* const directory = opendir(kDirectory);
  EXPECT_NE(directory, nullptr);
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (absl::EndsWith(name, ".hcl") || absl::EndsWith(name, ".json")) names.push_back(name);
  }
  closedir(directory);
  return names;
}

TEST(ExampleJobFiles, EachCanBeRun) {
  const std::vector<std::string> names = Names();
  EXPECT_GE(names.size(), 10u);
  for (const std::string& name : names) {
    if (name == "page-second.hcl") continue;
    const jobspec::JobFile file = Job(name);
    EXPECT_FALSE(file.diagnostics.HasErrors()) << Problems(file);
  }
}

TEST(ExampleJobFiles, ThePagesSecondIsRefusedForItsChecksumAtItsPlace) {
  const jobspec::JobFile file = Job("page-second.hcl");
  EXPECT_TRUE(file.diagnostics.HasErrors());
  EXPECT_THAT(Problems(file), AllOf(HasSubstr("on page-second.hcl line 9, column 12"),
                                    HasSubstr("has 21 characters"),
                                    HasSubstr("a digest of sha256 has 64 hexadecimal digits")));
}

TEST(ExampleJobFiles, TheValuesFitTheirFile) {
  const jobspec::VariableFile values =
      jobspec::ReadVariableFile("values.vars", Read("values.vars"));
  ASSERT_FALSE(values.diagnostics.HasErrors());
  const jobspec::JobFile file = Job("variables.hcl", {values.variables});
  ASSERT_FALSE(file.diagnostics.HasErrors()) << Problems(file);
  EXPECT_EQ(file.config.config().args(0), "web: RED and BLUE and GREEN");
  EXPECT_EQ(file.config.resources().memory(), 32);
}

}  // namespace
}  // namespace cloister
