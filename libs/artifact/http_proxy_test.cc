#include "libs/artifact/http_proxy.h"

#include <gtest/gtest.h>

#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

TEST(ParseHttpProxy, TakesHostAndPortAlone) {
  const absl::StatusOr<HttpProxy> proxy = ParseHttpProxy("http://Proxy.example:3128/");
  ASSERT_THAT(proxy, IsOk());
  EXPECT_EQ(proxy->host, "proxy.example");
  EXPECT_EQ(proxy->port, 3128);
  EXPECT_EQ(ParseHttpProxy("http://[::1]:8080")->host, "::1");
  for (const char* text : {"", "proxy:3128", "http://proxy", "https://proxy:3128",
                           "socks5://proxy:1080", "http://u:p@proxy:3128", "http://proxy:3128/x",
                           "http://proxy:3128?x=y", "http://proxy:3128#f"}) {
    EXPECT_THAT(ParseHttpProxy(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace cloister::artifact
