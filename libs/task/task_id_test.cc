#include "libs/task/task_id.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cloister::task {
namespace {

// On disks and in clients since the first version.
TEST(TaskId, NeverChangesForTheSameRequest) {
  EXPECT_EQ(DeriveTaskId("", ""), "abcwzsdpr3adyuo442p5sfakc4");
  EXPECT_EQ(DeriveTaskId("cloister://client/ci", "4be0643f-1d98-573b-97cd-ca98a65347dd"),
            "api65gjjlevtuobtsvvc6suxnm");
}

TEST(TaskId, DiffersWithEitherPartAndWithTheirBoundary) {
  std::set<std::string> ids;
  for (const auto& [principal, request] :
       std::initializer_list<std::pair<const char*, const char*>>{{"ab", "c"},
                                                                  {"a", "bc"},
                                                                  {"abc", ""},
                                                                  {"", "abc"},
                                                                  {"ab", "d"},
                                                                  {"1\na", "b"},
                                                                  {"", "1\nab"}}) {
    EXPECT_TRUE(ids.insert(DeriveTaskId(principal, request)).second);
  }
}

TEST(TaskId, EveryDerivedIdIsOne) {
  for (int i = 0; i < 1000; ++i) {
    const std::string id = DeriveTaskId("principal", absl::StrCat(i));
    EXPECT_TRUE(IsTaskId(id)) << id;
  }
}

TEST(TaskId, NothingElseIsOne) {
  const std::string id = DeriveTaskId("a", "b");
  EXPECT_FALSE(IsTaskId(""));
  EXPECT_FALSE(IsTaskId(id.substr(1)));
  EXPECT_FALSE(IsTaskId(id + "a"));
  EXPECT_FALSE(IsTaskId(".." + id.substr(2)));
  EXPECT_FALSE(IsTaskId("/" + id.substr(1)));
  EXPECT_FALSE(IsTaskId("A" + id.substr(1)));
  EXPECT_FALSE(IsTaskId("1" + id.substr(1)));
  EXPECT_FALSE(IsTaskId("8" + id.substr(1)));
  EXPECT_FALSE(IsTaskId(std::string(1, '\0') + id.substr(1)));
  EXPECT_FALSE(IsTaskId(id.substr(0, 25) + "b"));
}

}  // namespace
}  // namespace cloister::task
