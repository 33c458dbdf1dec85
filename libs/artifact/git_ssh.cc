#include <libssh2.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "libs/artifact/git_connection.h"
#include "libs/artifact/git_fetch.h"
#include "libs/artifact/git_pack.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/sigpipe_blocked.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr uint16_t kSshPort = 22;

struct FreeSession {
  void operator()(LIBSSH2_SESSION* session) const { libssh2_session_free(session); }
};
struct FreeKnownHosts {
  void operator()(LIBSSH2_KNOWNHOSTS* hosts) const { libssh2_knownhost_free(hosts); }
};
struct FreeChannel {
  void operator()(LIBSSH2_CHANNEL* channel) const { libssh2_channel_free(channel); }
};

// In one pair of quotes for the peer's shell.
std::string Quoted(absl::string_view path) {
  return absl::StrCat("'", absl::StrReplaceAll(path, {{"'", "'\\''"}, {"!", "'\\!'"}}), "'");
}

class SshGitConnection : public GitConnection {
 public:
  SshGitConnection(const GitEndpoint& endpoint, Connector& connector)
      : endpoint_(endpoint), connector_(connector) {}

  absl::Status Open() {
    const SigpipeBlocked blocked;
    const UrlParts& url = endpoint_.url;
    if (endpoint_.credential.kind != Credential::Kind::kSshKey) {
      return absl::InvalidArgumentError(
          "git over ssh needs a credential of the node: a private key and known hosts");
    }
    const uint16_t port = url.port == 0 ? kSshPort : url.port;
    CLOISTER_ASSIGN_OR_RETURN(socket_, connector_.Connect("ssh", url.host, port));
    session_.reset(libssh2_session_init());
    if (session_ == nullptr) return absl::ResourceExhaustedError("libssh2: out of memory");
    libssh2_session_set_blocking(session_.get(), 1);
    SetTimeout();
    CLOISTER_RETURN_IF_ERROR(ReadKnownHosts());
    if (libssh2_session_handshake(session_.get(), socket_.get()) != 0) {
      return MarkRetryable(Failure("handshake"));
    }
    CLOISTER_RETURN_IF_ERROR(CheckHostKey(url.host, port));
    CLOISTER_RETURN_IF_ERROR(LogIn());
    return Execute();
  }

  absl::StatusOr<GitAdvertisement> ReadAdvertisement() override {
    const SigpipeBlocked blocked;
    AdvertisementReader reader(false);
    bool whole = false;
    CLOISTER_RETURN_IF_ERROR(ReadUntil(
        [&](absl::string_view bytes) -> absl::Status {
          CLOISTER_ASSIGN_OR_RETURN(whole, reader.Feed(bytes));
          return absl::OkStatus();
        },
        [&] { return whole; }));
    return reader.advertisement();
  }

  absl::Status Exchange(const std::string& request, const OnBytes& on_bytes,
                        const std::function<bool()>& whole) override {
    const SigpipeBlocked blocked;
    for (absl::string_view rest = request; !rest.empty();) {
      SetTimeout();
      const ssize_t sent = libssh2_channel_write(channel_.get(), rest.data(), rest.size());
      if (sent < 0) return MarkRetryable(Failure("write"));
      rest.remove_prefix(static_cast<size_t>(sent));
    }
    return ReadUntil(on_bytes, whole);
  }

 private:
  // What libssh2 says of its last failure.
  absl::Status Failure(absl::string_view what) {
    char* text = nullptr;
    const int code = libssh2_session_last_error(session_.get(), &text, nullptr, 0);
    if (code == LIBSSH2_ERROR_TIMEOUT) {
      return absl::DeadlineExceededError(absl::StrCat(
          "ssh ", what, ": not a byte in ", absl::FormatDuration(endpoint_.limits.read),
          " (limit read), or not done in time (limit total)"));
    }
    return absl::UnavailableError(absl::StrCat("ssh ", what, ": ", text == nullptr ? "" : text));
  }

  void SetTimeout() {
    const absl::Duration left = std::min(endpoint_.limits.read, endpoint_.deadline - absl::Now());
    // Zero would be "for ever".
    const int64_t milliseconds = std::max<int64_t>(absl::ToInt64Milliseconds(left), 1);
    libssh2_session_set_timeout(session_.get(), static_cast<long>(milliseconds));
  }

  absl::Status ReadKnownHosts() {
    hosts_.reset(libssh2_knownhost_init(session_.get()));
    if (hosts_ == nullptr) return absl::ResourceExhaustedError("libssh2: out of memory");
    for (const absl::string_view line :
         absl::StrSplit(endpoint_.credential.known_hosts, '\n', absl::SkipWhitespace())) {
      // Markers (@revoked, @cert-authority) are not understood by libssh2: a line with one pins
      // nothing.
      if (line[0] == '#' || line[0] == '@') continue;
      // Ended by a line break, as in a file: what follows must not become part of the key.
      const std::string whole = absl::StrCat(absl::StripAsciiWhitespace(line), "\n");
      if (libssh2_knownhost_readline(hosts_.get(), whole.data(), whole.size(),
                                     LIBSSH2_KNOWNHOST_FILE_OPENSSH) != 0) {
        return absl::InvalidArgumentError("the credential's known hosts have a malformed line");
      }
    }
    // A key of a kind that is pinned, not of the one that the server prefers.
    std::vector<absl::string_view> kinds;
    for (const char* kind : {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                             "ecdsa-sha2-nistp521", "ssh-rsa"}) {
      if (absl::StrContains(endpoint_.credential.known_hosts, absl::StrCat(kind, " "))) {
        kinds.push_back(kind);
      }
    }
    if (kinds.empty()) {
      return absl::InvalidArgumentError("the credential pins no host key (known hosts)");
    }
    if (libssh2_session_method_pref(session_.get(), LIBSSH2_METHOD_HOSTKEY,
                                    absl::StrJoin(kinds, ",").c_str()) != 0) {
      return Failure("host key kinds");
    }
    return absl::OkStatus();
  }

  absl::Status CheckHostKey(const std::string& host, uint16_t port) {
    size_t size = 0;
    int kind = 0;
    const char* const key = libssh2_session_hostkey(session_.get(), &size, &kind);
    if (key == nullptr) return Failure("host key");
    const int result = libssh2_knownhost_checkp(
        hosts_.get(), host.c_str(), port, key, size,
        LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW, nullptr);
    if (result == LIBSSH2_KNOWNHOST_CHECK_MATCH) return absl::OkStatus();
    return absl::PermissionDeniedError(absl::StrCat("ssh: the host key of ", host, ":", port,
                                                    result == LIBSSH2_KNOWNHOST_CHECK_MISMATCH
                                                        ? " is another than the pinned one"
                                                        : " is not pinned (known hosts)"));
  }

  absl::Status LogIn() {
    const Credential& credential = endpoint_.credential;
    std::string user = credential.user.empty() ? endpoint_.url.userinfo : credential.user;
    if (user.empty()) user = "git";
    SetTimeout();
    const int result = libssh2_userauth_publickey_frommemory(
        session_.get(), user.c_str(), user.size(), nullptr, 0, credential.secret.data(),
        credential.secret.size(),
        credential.passphrase.empty() ? nullptr : credential.passphrase.c_str());
    if (result == 0) return absl::OkStatus();
    if (result == LIBSSH2_ERROR_TIMEOUT || result == LIBSSH2_ERROR_SOCKET_DISCONNECT) {
      return MarkRetryable(Failure("log in"));
    }
    return absl::PermissionDeniedError(
        absl::StrCat("ssh: the key does not log in as ", user, ": ", Failure("").message()));
  }

  absl::Status Execute() {
    SetTimeout();
    channel_.reset(libssh2_channel_open_session(session_.get()));
    if (channel_ == nullptr) return MarkRetryable(Failure("channel"));
    const absl::StatusOr<std::string> path = PercentDecode(endpoint_.url.path, false);
    if (!path.ok()) return path.status();
    const std::string command = absl::StrCat("git-upload-pack ", Quoted(*path));
    if (libssh2_channel_exec(channel_.get(), command.c_str()) != 0) return Failure("command");
    return absl::OkStatus();
  }

  absl::Status ReadUntil(const OnBytes& on_bytes, const std::function<bool()>& whole) {
    const auto piece = std::make_unique<char[]>(kPieceBytes);
    while (!whole()) {
      if (absl::Now() >= endpoint_.deadline) {
        return MarkRetryable(absl::DeadlineExceededError("ssh: not done in time (limit total)"));
      }
      SetTimeout();
      const ssize_t got = libssh2_channel_read(channel_.get(), piece.get(), kPieceBytes);
      if (got < 0) return MarkRetryable(Failure("read"));
      if (got == 0) return EndedEarly();
      received_ += got;
      if (received_ > endpoint_.limits.max_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat("the repository sends more than ",
                                                         endpoint_.limits.max_bytes,
                                                         " bytes (limit max_bytes)"));
      }
      CLOISTER_RETURN_IF_ERROR(on_bytes({piece.get(), static_cast<size_t>(got)}));
    }
    return absl::OkStatus();
  }

  absl::Status EndedEarly() {
    char said[256];
    const ssize_t size = libssh2_channel_read_stderr(channel_.get(), said, sizeof(said));
    std::string text(said, size > 0 ? static_cast<size_t>(size) : 0);
    if (text.empty()) return MarkRetryable(absl::UnavailableError("ssh: the server hangs up"));
    text.erase(std::find(text.begin(), text.end(), '\n'), text.end());
    return absl::FailedPreconditionError(
        absl::StrCat("the git server says: ", absl::CHexEscape(text)));
  }

  const GitEndpoint& endpoint_;
  Connector& connector_;
  OwnedFd socket_;
  // The channel goes before its session, that before its socket.
  std::unique_ptr<LIBSSH2_SESSION, FreeSession> session_;
  std::unique_ptr<LIBSSH2_KNOWNHOSTS, FreeKnownHosts> hosts_;
  std::unique_ptr<LIBSSH2_CHANNEL, FreeChannel> channel_;
  int64_t received_ = 0;
};

int PreloadSsh() {
  static const int result = libssh2_init(0);
  return result;
}

}  // namespace

void PreloadGitFetch() {
  PreloadGit();
  PreloadSsh();
}

absl::StatusOr<std::unique_ptr<GitConnection>> OpenSshGitConnection(const GitEndpoint& endpoint,
                                                                    Connector& connector) {
  if (PreloadSsh() != 0) return absl::InternalError("libssh2 cannot be initialised");
  auto connection = std::make_unique<SshGitConnection>(endpoint, connector);
  CLOISTER_RETURN_IF_ERROR(connection->Open());
  return std::unique_ptr<GitConnection>(std::move(connection));
}

}  // namespace cloister::artifact
