#include "tools/cloister/error_text.h"

#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "tools/cloister/terminal.h"

namespace cloister {
namespace {

constexpr absl::string_view kHintUrl = "cloister.tools/hint";

// By the stable reason of the error (docs/errors.md).
constexpr struct {
  absl::string_view reason;
  absl::string_view hint;
} kHints[] = {
    {"TASK_UNKNOWN", "cloister ps --all"},
    {"TASK_LIVE", "cloister stop TASK, or cloister rm --force TASK"},
    {"NODE_UNKNOWN", "cloister node ls"},
    {"NODE_UNREACHABLE", "cloister node ls"},
    {"NO_NODES", "cloister node ls"},
    {"NO_NODE_WITH_ROOM", "less --memory, or cloister node ls for what is left"},
    {"NODE_MEMORY_EXHAUSTED", "less --memory, or cloister node ls for a node that has more"},
    {"TOO_MANY_TASKS", "cloister node ls for a node that has room"},
    {"CAPABILITY_NOT_ALLOWED",
     "asking the node's operator: --allow_caps of cloister-executor permits it"},
    {"USER_NOT_MAPPED", "without --user; man 5 subuid says how a user gets a range of ids"},
    {"NEEDS_ROOT", "without it, or on a node whose executor is root's (cloister node ls)"},
    {"USER_NOT_ALLOWED", "--user with one that the node permits; none is nobody"},
};

std::string HintFor(const absl::Status& status, absl::string_view verb) {
  absl::optional<absl::Cord> given = status.GetPayload(kHintUrl);
  if (given.has_value()) return std::string(*given);
  const std::string reason = GetReason(status);
  for (const auto& row : kHints) {
    if (row.reason == reason) return std::string(row.hint);
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      // Without a reason it is the transport's: nobody answered at all.
      return reason.empty() ? "cloister dev --dir DIR starts a cluster; --address or CLOISTER_ADDR "
                              "says where one is"
                            : "";
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "as another user, or with --tls_cert and --tls_key of a client that may do this";
    case absl::StatusCode::kInvalidArgument:
      return verb.empty() ? "cloister --help" : absl::StrCat("cloister ", verb, " --help");
    case absl::StatusCode::kDeadlineExceeded:
      return "the same again; cloister status shows what came of it";
    default:
      return "";
  }
}

}  // namespace

absl::Status WithHint(absl::Status status, absl::string_view hint) {
  if (!status.ok()) status.SetPayload(kHintUrl, absl::Cord(hint));
  return status;
}

std::string ErrorText(const absl::Status& status, absl::string_view verb) {
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  std::string text;
  if (violations.empty()) {
    // A sentence of a server or of the kernel is someone else's text: it must not drive the
    // terminal.
    absl::StrAppend(&text, "cloister: ", Printable(status.message()), "\n");
  } else if (violations.size() == 1) {
    absl::StrAppend(&text, "cloister: ", Printable(violations[0].field), ": ",
                    Printable(violations[0].description), "\n");
  } else {
    absl::StrAppend(&text, "cloister: the request is wrong in ", violations.size(), " places\n");
    for (const FieldViolation& violation : violations) {
      absl::StrAppend(&text, "  ", Printable(violation.field), ": ",
                      Printable(violation.description), "\n");
    }
  }
  const std::string hint = HintFor(status, verb);
  if (!hint.empty()) absl::StrAppend(&text, "Try: ", hint, "\n");
  return text;
}

}  // namespace cloister
