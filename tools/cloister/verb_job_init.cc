#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "tools/cloister/commented_job.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/short_job.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

absl::string_view TextOf(bool is_short) {
  const unsigned char* const text = is_short ? kShortJob : kCommentedJob;
  return {reinterpret_cast<const char*>(text), is_short ? kShortJobSize : kCommentedJobSize};
}

absl::Status WriteNew(const std::string& path, absl::string_view text) {
  OwnedFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid() && errno == EEXIST) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat("'", path, "': is there already")),
                    "cloister job init OTHER.hcl");
  }
  while (file.valid() && !text.empty()) {
    const ssize_t written = write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return file.valid() ? absl::OkStatus() : ErrnoStatus(errno, path);
}

class JobInitVerb : public Verb {
 public:
  absl::string_view name() const override { return "job init"; }
  absl::string_view arguments() const override { return "[--short] [FILE]"; }
  absl::string_view summary() const override { return "Write a job file to begin with"; }
  absl::string_view details() const override {
    return "FILE is example.hcl unless it is given, and must not be there yet.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("short", &short_, "Without comments, and with what is needed alone.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session*) override {
    absl::Status expected = ExpectArguments(arguments, {"FILE"}, /*optional=*/1);
    if (!expected.ok()) return expected;
    const std::string path = arguments.empty() ? "example.hcl" : arguments[0];
    absl::Status written = WriteNew(path, TextOf(short_));
    if (!written.ok()) return written;
    absl::Status printed = Print(absl::StrCat(path, ": try cloister run ", path, "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  bool short_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeJobInitVerb() { return std::make_unique<JobInitVerb>(); }

}  // namespace cloister
