#include "libs/artifact/http_response.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "libs/artifact/retryable.h"

namespace cloister::artifact {
namespace {

constexpr size_t kMaxCodeBytes = 64;

std::string AwsErrorCode(const std::string& body) {
  const size_t begin = body.find("<Code>");
  const size_t end = body.find("</Code>");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  const std::string code = body.substr(begin + 6, end - begin - 6);
  const bool word =
      code.size() <= kMaxCodeBytes && std::all_of(code.begin(), code.end(), absl::ascii_isalnum);
  return word ? code : "";
}

absl::Duration RetryAfterOf(const ResponseHead& head) {
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(head.retry_after, &seconds) || seconds < 0) seconds = 0;
  return absl::Seconds(std::min<int64_t>(seconds, 3600));
}

}  // namespace

void ResponseHead::TakeLine(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(line, "HTTP/")) {
    *this = ResponseHead();
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() < 2 || !absl::SimpleAtoi(words[1], &status)) status = 0;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return;
  const std::string name = absl::AsciiStrToLower(line.substr(0, colon));
  const std::string value(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  // Kept, shown and sent again: nothing that a terminal or a header would take for more than text.
  if (std::any_of(value.begin(), value.end(),
                  [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return;
  }
  if (name == "etag") validators.etag = value;
  if (name == "last-modified") validators.last_modified = value;
  if (name == "content-type") content_type = value;
  if (name == "content-range") content_range = value;
  if (name == "retry-after") retry_after = value;
  if (name == "x-amz-bucket-region") bucket_region = value;
  if (name == "content-length" && !absl::SimpleAtoi(value, &content_length)) content_length = -1;
}

absl::Status RefusalOf(const ResponseHead& head, const std::string& body,
                       const std::string& region) {
  std::string text = absl::StrCat("the server answers with status ", head.status);
  const std::string code = AwsErrorCode(body);
  if (!code.empty()) absl::StrAppend(&text, " (", code, ")");
  if (!region.empty() && !head.bucket_region.empty() && head.bucket_region != region) {
    absl::StrAppend(&text, "; the bucket is in another region than ", region);
  }
  switch (head.status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return MarkRetryable(absl::UnavailableError(text), RetryAfterOf(head));
    case 401:
    case 403:
      return absl::PermissionDeniedError(text);
    case 404:
    case 410:
      return absl::NotFoundError(text);
    default:
      return absl::FailedPreconditionError(text);
  }
}

}  // namespace cloister::artifact
