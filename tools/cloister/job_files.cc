#include "tools/cloister/job_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/field_violations.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/diagnostic.h"
#include "libs/jobspec/variable_file.h"
#include "tools/cloister/error_text.h"

namespace cloister {
namespace {

// One more than the parser takes, so that it says that it is too long.
constexpr size_t kMaxFileBytes = (1 << 20) + 1;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  OwnedFd file;
  int fd = STDIN_FILENO;
  if (path != "-") {
    file.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // A file that is not there is bad input, whatever the verb says of other failures.
    if (!file.valid()) return absl::InvalidArgumentError(ErrnoStatus(errno, path).message());
    fd = file.get();
  }
  std::string bytes;
  char piece[1 << 14];
  while (bytes.size() < kMaxFileBytes) {
    const ssize_t count = read(fd, piece, sizeof(piece));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::InvalidArgumentError(ErrnoStatus(errno, path).message());
    if (count == 0) break;
    bytes.append(piece, static_cast<size_t>(count));
  }
  return bytes;
}

std::string NameOf(const std::string& path) { return path == "-" ? "<stdin>" : path; }

}  // namespace

bool IsJobFile(absl::string_view word) {
  return word == "-" || absl::EndsWith(word, ".hcl") || absl::EndsWith(word, ".json") ||
         absl::EndsWith(word, ".nomad");
}

void JobFileFlags::Declare(FlagSet* flags) {
  flags->Add({"var", 0, "NAME=VALUE", "A value for a variable of FILE.",
              [this](const std::string& value) -> absl::Status {
                const size_t equals = value.find('=');
                if (equals == std::string::npos || equals == 0) {
                  return absl::InvalidArgumentError(absl::StrCat("'", value, "': not NAME=VALUE"));
                }
                given_.push_back({/*is_file=*/false, value});
                return absl::OkStatus();
              }});
  flags->Add({"var-file", 0, "PATH",
              "A file of such values, NAME = VALUE; of two values the later one counts.",
              [this](const std::string& value) {
                given_.push_back({/*is_file=*/true, value});
                return absl::OkStatus();
              }});
}

absl::Status JobFileFlags::ParseBehindFile(const std::vector<std::string>& arguments,
                                           const TaskFlags& task, Verb* verb,
                                           Session* session) const {
  FlagSet flags;
  bool help = false;
  verb->DeclareFlags(&flags);
  session->server.Declare(&flags);
  flags.Switch("help", &help, "");
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> rest,
                            flags.Parse({arguments.begin() + 1, arguments.end()}));
  if (!rest.empty()) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat(
                        "'", rest.front(), "' behind ", arguments.front(),
                        ": a file is run as it is, its command takes no words from here")),
                    absl::StrCat("cloister ", verb->name(), " -- ", arguments.front(),
                                 " ..., if that is a command"));
  }
  if (task.first_given().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", task.first_given(), " and ", arguments.front(),
                   " do not go together: what the task is, the file says; with --var it can leave "
                   "something open"));
}

absl::Status JobFileFlags::ExpectNone() const {
  if (given_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(given_.front().is_file ? "--var-file" : "--var",
                                                 ": only with FILE; a command has no variables"));
}

absl::StatusOr<std::vector<hcl::GivenVariable>> JobFileFlags::Variables() const {
  std::vector<hcl::GivenVariable> variables;
  for (const Given& given : given_) {
    if (!given.is_file) {
      const size_t equals = given.text.find('=');
      variables.push_back({given.text.substr(0, equals), given.text.substr(equals + 1)});
      continue;
    }
    CLOISTER_ASSIGN_OR_RETURN(std::string bytes, ReadFile(given.text));
    jobspec::VariableFile file = jobspec::ReadVariableFile(NameOf(given.text), std::move(bytes));
    if (file.diagnostics.HasErrors()) {
      std::fputs(hcl::RenderDiagnostics(file.diagnostics, file.source).c_str(), stderr);
      return absl::InvalidArgumentError(absl::StrCat(given.text, ": is no file of values"));
    }
    variables.insert(variables.end(), file.variables.begin(), file.variables.end());
  }
  return jobspec::LastOfEach(variables);
}

absl::StatusOr<jobspec::JobFile> JobFileFlags::Read(const std::string& path) const {
  CLOISTER_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  jobspec::JobFileOptions options;
  CLOISTER_ASSIGN_OR_RETURN(options.variables, Variables());
  jobspec::JobFile file = jobspec::ReadJobFile(NameOf(path), std::move(bytes), options);
  jobspec::CheckJobFile(&file);
  return file;
}

void TellProblems(const jobspec::JobFile& file, bool notices, const Session& session) {
  hcl::Diagnostics told;
  for (const hcl::Diagnostic& diagnostic : file.diagnostics.kept()) {
    if (notices || diagnostic.severity == hcl::Severity::kError) told.Add(diagnostic);
  }
  std::fputs(hcl::RenderDiagnostics(told, file.source).c_str(), stderr);
  const size_t errors = file.diagnostics.ErrorCount();
  if (errors == 0) return;
  session.Note(
      absl::StrCat(file.source.name(), ": ", errors, errors == 1 ? " problem" : " problems"));
}

bool TellViolations(const absl::Status& status, jobspec::JobFile* file, const Session& session) {
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  if (violations.empty()) return false;
  jobspec::AddViolations(violations, file);
  TellProblems(*file, /*notices=*/false, session);
  return true;
}

}  // namespace cloister
