#include "libs/task/environment.h"

#include "absl/strings/str_cat.h"

namespace cloister::task {

bool IsSetByNode(absl::string_view name) {
  return name == "USER" || name == "LOGNAME" || name == "HOME";
}

std::vector<std::string> MakeEnvironment(const std::map<std::string, std::string>& asked,
                                         const ResolvedUser& user) {
  std::map<std::string, std::string> all = asked;
  all.emplace("PATH", kDefaultPath);
  all["USER"] = user.name;
  all["LOGNAME"] = user.name;
  all["HOME"] = user.home;
  std::vector<std::string> environment;
  environment.reserve(all.size());
  for (const auto& [name, value] : all) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

}  // namespace cloister::task
