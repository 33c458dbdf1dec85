#include "libs/artifact/testing/git_servers.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

std::string Backend(absl::string_view socket, absl::string_view repositories,
                    absl::string_view path) {
  return absl::StrCat(
      "fastcgi_pass unix:", socket,
      ";\nfastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;\n"
      "fastcgi_param GIT_HTTP_EXPORT_ALL 1;\nfastcgi_param GIT_PROJECT_ROOT ",
      repositories, ";\nfastcgi_param PATH_INFO ", path,
      ";\nfastcgi_param PATH /usr/bin:/bin;\nfastcgi_param GIT_CONFIG_NOSYSTEM 1;\n"
      "fastcgi_param QUERY_STRING $query_string;\nfastcgi_param REQUEST_METHOD $request_method;\n"
      "fastcgi_param CONTENT_TYPE $content_type;\nfastcgi_param CONTENT_LENGTH $content_length;\n"
      "fastcgi_param REMOTE_USER $remote_user;\nclient_max_body_size 64m;\n");
}

// In /tmp: sun_path is short, the directory of a test is not.
absl::StatusOr<OwnedFd> ListenOn(const std::string& path) {
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return absl::InternalError("socket path too long");
  memcpy(address.sun_path, path.data(), path.size());
  unlink(path.c_str());
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd.get(), 64) != 0) {
    return absl::InternalError("cannot listen");
  }
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GitHttpServer>> GitHttpServer::Start(
    const std::string& directory, const std::string& repositories) {
  std::unique_ptr<GitHttpServer> server(new GitHttpServer);
  const std::string socket_path = absl::StrCat("/tmp/cloister-fcgi-", getpid(), ".sock");
  OwnedFd listener;
  CLOISTER_ASSIGN_OR_RETURN(listener, ListenOn(socket_path));
  OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = {"/usr/sbin/fcgiwrap"};
  options.fds = {{listener.get(), 0}, {nothing.get(), 1}, {2, 2}};
  CLOISTER_ASSIGN_OR_RETURN(server->wrapper_, Spawn(options));
  WriteFile(directory + "/users", absl::StrCat(kUser, ":{PLAIN}", kPassword, "\n"));
  const std::string locations =
      absl::StrCat("location ~ ^/moved(/.*)$ { return 302 $1$is_args$args; }\n",
                   "location ~ ^/private(/.*)$ {\n", "auth_basic git; auth_basic_user_file ",
                   directory, "/users;\n", Backend(socket_path, repositories, "$1"),
                   "}\nlocation / {\n", Backend(socket_path, repositories, "$uri"), "}\n");
  CLOISTER_ASSIGN_OR_RETURN(server->nginx_, Nginx::Start(directory, locations, nullptr));
  return server;
}

GitHttpServer::~GitHttpServer() {
  unlink(absl::StrCat("/tmp/cloister-fcgi-", getpid(), ".sock").c_str());
  if (!wrapper_.pidfd.valid()) return;
  static_cast<void>(wrapper_.pidfd.Signal(SIGKILL));
  static_cast<void>(wrapper_.pidfd.WaitAndReap());
}

absl::StatusOr<std::unique_ptr<SshServer>> SshServer::Start(const std::string& directory) {
  std::unique_ptr<SshServer> server(new SshServer);
  server->directory_ = absl::StrCat(directory, "/ssh.XXXXXX");
  if (mkdtemp(&server->directory_[0]) == nullptr) return absl::InternalError("mkdtemp");
  const std::string& own = server->directory_;
  for (const char* key : {"host", "other_host", "client", "other"}) {
    CLOISTER_RETURN_IF_ERROR(RunProgram({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                                         "-C", "test", "-f", absl::StrCat(own, "/", key)}));
  }
  WriteFile(own + "/authorized_keys", FileContents(own + "/client.pub"));
  WriteFile(own + "/config",
            absl::StrCat("HostKey ", own, "/host\nAuthorizedKeysFile ", own,
                         "/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
                         "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
                         "PidFile none\nLogLevel ERROR\n"));
  // Where a root's sshd separates privileges; there on every machine on which sshd ever ran.
  if (geteuid() == 0) mkdir("/run/sshd", 0755);
  server->listener_ = ListenOnLoopback();
  server->acceptor_ = std::thread([raw = server.get()] { raw->Accept(); });
  return server;
}

SshServer::~SshServer() {
  shutdown(listener_.fd.get(), SHUT_RDWR);
  acceptor_.join();
  absl::MutexLock lock(&mutex_);
  for (SpawnedProcess& server : servers_) {
    static_cast<void>(server.pidfd.Signal(SIGTERM));
    static_cast<void>(server.pidfd.WaitAndReap());
  }
}

void SshServer::Accept() {
  for (;;) {
    OwnedFd connection(accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    SpawnOptions options;
    options.argv = {"/usr/sbin/sshd", "-i", "-e", "-f", directory_ + "/config"};
    options.env = {"PATH=/usr/bin:/bin"};
    options.fds = {{connection.get(), 0}, {connection.get(), 1}, {2, 2}};
    absl::StatusOr<SpawnedProcess> server = Spawn(options);
    absl::MutexLock lock(&mutex_);
    if (server.ok()) servers_.push_back(*std::move(server));
  }
}

std::string SshServer::client_key() const { return FileContents(directory_ + "/client"); }

std::string SshServer::other_key() const { return FileContents(directory_ + "/other"); }

std::string SshServer::host_key() const {
  const std::vector<std::string> words =
      absl::StrSplit(FileContents(directory_ + "/host.pub"), ' ');
  return words.size() < 2 ? "" : absl::StrCat(words[0], " ", words[1]);
}

std::string SshServer::known_hosts() const {
  return absl::StrCat("# of the test\n[127.0.0.1]:", port(), " ", host_key(), "\n");
}

std::string SshServer::known_hosts_of_another() const {
  const std::vector<std::string> words =
      absl::StrSplit(FileContents(directory_ + "/other_host.pub"), ' ');
  return absl::StrCat("[127.0.0.1]:", port(), " ", words[0], " ", words[1], "\n");
}

}  // namespace cloister::artifact
