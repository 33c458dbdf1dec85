#include "tools/cloister/verb.h"

#include <errno.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/json_util.h"
#include "libs/base/errno_status.h"
#include "tools/cloister/exit_code.h"

namespace cloister {
namespace {

absl::Status WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "stdout");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

void Session::Note(absl::string_view line) const {
  // Nobody is left to tell when stderr is gone.
  (void)WriteAll(STDERR_FILENO, absl::StrCat("cloister: ", Printable(line), "\n"));
}

int Verb::failure_code() const { return kExitFailure; }

absl::Status Print(absl::string_view text) { return WriteAll(STDOUT_FILENO, text); }

absl::Status PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  // An exit code of 0 is an answer, not an omission.
  options.always_print_primitive_fields = true;
  options.add_whitespace = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(absl::StrCat("JSON: ", status.message().ToString()));
  return Print(json);
}

absl::Status ExpectArguments(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& names, size_t optional) {
  const size_t needed = names.size() - optional;
  if (arguments.size() < needed) {
    return absl::InvalidArgumentError(absl::StrCat(names[arguments.size()], " is missing"));
  }
  if (arguments.size() > names.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", arguments[names.size()], "' is one argument too many"));
  }
  return absl::OkStatus();
}

}  // namespace cloister
