#include "libs/task/parse_names.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"

namespace cloister::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::TaskConfig Config(absl::string_view text) {
  v1::TaskConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &config)) << text;
  return config;
}

std::vector<std::string> Problems(absl::string_view text) {
  Violations violations;
  const v1::TaskConfig config = Config(text);
  CheckHostname(config, &violations);
  ParseDns(config, &violations);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return all;
}

TEST(CheckHostname, TakesWhatTheKernelAndAResolverTake) {
  for (const char* name : {"", "a", "web-1", "WEB.example.org", "0"}) {
    EXPECT_THAT(Problems(absl::StrCat("config { hostname: '", name, "' }")), IsEmpty()) << name;
  }
  const std::string label(63, 'a');
  EXPECT_THAT(Problems(absl::StrCat("config { hostname: '", label, "' }")), IsEmpty());
  for (const std::string& name :
       {std::string("-a"), std::string("a-"), std::string("a..b"), std::string("."),
        std::string("a."), std::string("a_b"), std::string("a b"), std::string("a\\n127.0.0.1 x"),
        label + "a", label + ".a"}) {
    EXPECT_THAT(Problems(absl::StrCat("config { hostname: '", name, "' }")),
                ElementsAre(HasSubstr("config.hostname: must be at most 64 characters")))
        << name;
  }
}

TEST(ParseDns, IsSetOrNot) {
  Violations violations;
  EXPECT_FALSE(ParseDns(Config(""), &violations).is_set);
  const Dns dns = ParseDns(Config("config { dns { servers: '10.0.0.1' servers: 'fd00::1'"
                                  " searches: 'a.example' searches: '.' options: 'ndots:2' } }"),
                           &violations);
  EXPECT_TRUE(dns.is_set);
  EXPECT_THAT(dns.servers, ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_THAT(dns.searches, ElementsAre("a.example", "."));
  EXPECT_THAT(dns.options, ElementsAre("ndots:2"));
  EXPECT_TRUE(violations.ToStatus().ok());
}

TEST(ParseDns, EverythingThatIsWrongIsToldAtOnce) {
  EXPECT_THAT(Problems("config { dns { servers: 'ns1' servers: '10.0.0.1\\nserver' searches: 'a b'"
                       " options: 'x y' options: '' } }"),
              ElementsAre("config.dns.servers[0]: 'ns1' is no IPv4 or IPv6 address",
                          HasSubstr("config.dns.servers[1]: "), HasSubstr("config.dns.searches[0]"),
                          HasSubstr("config.dns.options[0]"), HasSubstr("config.dns.options[1]")));
  EXPECT_THAT(Problems("config { dns { servers: '1.1.1.1' servers: '1.1.1.1' servers: '1.1.1.1'"
                       " servers: '1.1.1.1' } }"),
              ElementsAre("config.dns.servers: has 4 entries, at most 3"));
}

}  // namespace
}  // namespace cloister::task
