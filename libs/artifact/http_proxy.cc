#include "libs/artifact/http_proxy.h"

#include "libs/artifact/url_parts.h"
#include "libs/base/status_annotation.h"

namespace cloister::artifact {

absl::StatusOr<HttpProxy> ParseHttpProxy(absl::string_view text) {
  absl::StatusOr<UrlParts> url = ParseUrl(text);
  if (!url.ok()) return Annotate(url.status(), "proxy");
  if (url->scheme != "http" || url->has_userinfo || url->port == 0 || !url->query.empty() ||
      !url->fragment.empty() || (!url->path.empty() && url->path != "/")) {
    return absl::InvalidArgumentError("proxy: must be http://host:port and nothing else");
  }
  return HttpProxy{url->host, url->port};
}

}  // namespace cloister::artifact
