#include "libs/engine/artifact_credential.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/os/spawn.h"

namespace cloister::engine {
namespace {

using artifact::Credential;
using node::ArtifactCredential;

constexpr size_t kMaxSecretBytes = 64 << 10;

// To the end of the file, of at most kMaxSecretBytes; of a pipe until `deadline`.
absl::StatusOr<std::string> ReadAll(int fd, absl::Time deadline) {
  std::string text;
  char buffer[4096];
  while (true) {
    pollfd ready = {fd, POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int polled = poll(&ready, 1, static_cast<int>(std::max<int64_t>(0, left)));
    if (polled < 0 && errno == EINTR) continue;
    if (polled < 0) return ErrnoStatus(errno, "poll");
    if (polled == 0) return absl::FailedPreconditionError("takes too long");
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, "read");
    if (size == 0) return text;
    text.append(buffer, static_cast<size_t>(size));
    if (text.size() > kMaxSecretBytes) return absl::FailedPreconditionError("is over 64 KiB");
  }
}

// Who else could read it could use it, too; who else could write it could choose what is sent.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path, bool is_secret) {
  OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat facts;
  if (!file.valid() || fstat(file.get(), &facts) != 0) {
    return ErrnoStatus(errno, absl::StrCat("'", path, "'"));
  }
  const mode_t closed = is_secret ? 0077 : 0022;
  if (!S_ISREG(facts.st_mode) || facts.st_uid != geteuid() || (facts.st_mode & closed) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", path, "' must be a file of uid ", geteuid(), " that nobody else can ",
                     is_secret ? "read or write (mode 0600)" : "write"));
  }
  return Annotate(ReadAll(file.get(), absl::InfiniteFuture()), "'", path, "'");
}

// What it says beside the secret, on stderr, is not looked at: it may say the secret.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  const OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = argv;
  options.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  options.fds = {{null.get(), 0}, {write_end.get(), 1}, {null.get(), 2}};
  options.new_session = true;
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess process, Spawn(options));
  write_end.reset();
  const absl::Time deadline = absl::Now() + kCredentialPatience;
  absl::StatusOr<std::string> text = ReadAll(read_end.get(), deadline);
  // One that has closed its output may still run.
  const int64_t left = std::max<int64_t>(0, absl::ToInt64Milliseconds(deadline - absl::Now()));
  if (!text.ok() || !process.pidfd.AwaitEnd(static_cast<int>(left))) {
    process.pidfd.Signal(SIGKILL).IgnoreError();
  }
  const absl::StatusOr<int> status = process.pidfd.WaitAndReap();
  CLOISTER_RETURN_IF_ERROR(text.status());
  CLOISTER_RETURN_IF_ERROR(status.status());
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return text;
  return absl::FailedPreconditionError(WIFEXITED(*status)
                                           ? absl::StrCat("exits with ", WEXITSTATUS(*status))
                                           : absl::StrCat("ends by signal ", WTERMSIG(*status)));
}

// As in ~/.aws/credentials: NAME = VALUE, with or without "aws_"; sections are not looked at.
absl::Status ReadAwsKeys(absl::string_view text, Credential* credential) {
  std::map<std::string, std::string> values;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    absl::ConsumePrefix(&name, "aws_");
    values[std::string(name)] = std::string(absl::StripAsciiWhitespace(parts.second));
  }
  credential->user = values["access_key_id"];
  credential->secret = values["secret_access_key"];
  credential->session_token = values["session_token"];
  if (!credential->user.empty() && !credential->secret.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError("has no access_key_id and secret_access_key");
}

absl::Status Fill(const ArtifactCredential& named, const std::string& text,
                  Credential* credential) {
  credential->user = named.user;
  credential->secret = std::string(absl::StripTrailingAsciiWhitespace(text));
  if (credential->secret.empty()) return absl::FailedPreconditionError("is empty");
  switch (named.kind) {
    case ArtifactCredential::Kind::kBasic:
      credential->kind = Credential::Kind::kBasic;
      break;
    case ArtifactCredential::Kind::kBearer:
      credential->kind = Credential::Kind::kBearer;
      break;
    case ArtifactCredential::Kind::kHeader:
      credential->kind = Credential::Kind::kHeader;
      break;
    case ArtifactCredential::Kind::kAws:
      credential->kind = Credential::Kind::kAws;
      return ReadAwsKeys(text, credential);
    case ArtifactCredential::Kind::kSshKey:
      credential->kind = Credential::Kind::kSshKey;
      credential->secret = text;
      return absl::OkStatus();
  }
  // A line end would begin a header of the secret's own.
  const auto is_control = [](unsigned char c) { return absl::ascii_iscntrl(c); };
  if (std::none_of(credential->secret.begin(), credential->secret.end(), is_control)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("holds more than one line");
}

}  // namespace

absl::StatusOr<Credential> ReadCredential(const node::ArtifactPolicy& policy,
                                          absl::string_view name, absl::string_view tenant) {
  if (name.empty()) return Credential();
  const std::string what = absl::StrCat("credentials '", absl::CHexEscape(name), "'");
  for (const ArtifactCredential& named : policy.credentials) {
    if (named.name != name) continue;
    const auto& tenants = named.tenants;
    if (!tenants.empty() && std::find(tenants.begin(), tenants.end(), tenant) == tenants.end()) {
      break;
    }
    const absl::StatusOr<std::string> text = named.exec.empty()
                                                 ? ReadSecretFile(named.file, /*is_secret=*/true)
                                                 : RunProgram(named.exec);
    CLOISTER_RETURN_IF_ERROR(Annotate(text.status(), what));
    Credential credential;
    CLOISTER_RETURN_IF_ERROR(Annotate(Fill(named, *text, &credential), what));
    if (named.known_hosts.empty()) return credential;
    CLOISTER_ASSIGN_OR_RETURN(
        credential.known_hosts,
        Annotate(ReadSecretFile(named.known_hosts, /*is_secret=*/false), what));
    return credential;
  }
  return absl::PermissionDeniedError(
      absl::StrCat("this node has no ", what, " for artifacts of this caller"));
}

}  // namespace cloister::engine
