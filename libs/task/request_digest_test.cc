#include "libs/task/request_digest.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cloister::task {
namespace {

TEST(RequestDigest, DoesNotDependOnTheOrderInWhichMapsWereFilled) {
  std::vector<std::string> names;
  names.reserve(500);
  for (int i = 0; i < 500; ++i) names.push_back(absl::StrCat("N", i));
  v1::TaskConfig forwards, backwards;
  for (const std::string& name : names) (*forwards.mutable_env())[name] = name;
  std::reverse(names.begin(), names.end());
  for (const std::string& name : names) (*backwards.mutable_env())[name] = name;
  EXPECT_EQ(RequestDigest("x", forwards), RequestDigest("x", backwards));
  EXPECT_EQ(RequestDigest("x", forwards).size(), 32u);
}

TEST(RequestDigest, DiffersWithTheConfigurationAndWithTheExternalId) {
  v1::TaskConfig config;
  config.mutable_config()->set_command("/bin/true");
  const std::string digest = RequestDigest("", config);
  EXPECT_NE(RequestDigest("x", config), digest);
  (*config.mutable_env())["A"] = "b";
  EXPECT_NE(RequestDigest("", config), digest);
}

TEST(RequestDigest, SeesFieldsOfANewerClient) {
  v1::TaskConfig config;
  const std::string digest = RequestDigest("", config);
  config.GetReflection()->MutableUnknownFields(&config)->AddVarint(1000, 1);
  EXPECT_NE(RequestDigest("", config), digest);
}

}  // namespace
}  // namespace cloister::task
