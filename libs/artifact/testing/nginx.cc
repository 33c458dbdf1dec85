#include "libs/artifact/testing/nginx.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

std::string Configuration(const std::string& root, const std::string& own, uint16_t port,
                          uint16_t tls_port, absl::string_view locations,
                          const TestCertificates* certificates) {
  std::string text = absl::StrCat(
      "daemon off; worker_processes 1; user root root; pid ", own, "/pid; error_log ", own,
      "/error.log info;\nevents { worker_connections 2048; }\nhttp {\naccess_log ", own,
      "/access.log;\ndefault_type application/octet-stream; sendfile on; tcp_nopush on;\n");
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    absl::StrAppend(&text, kind, "_temp_path ", own, "/", kind, ";\n");
  }
  absl::StrAppend(&text, "server {\nlisten 127.0.0.1:", port, ";\n");
  if (certificates != nullptr) {
    absl::StrAppend(&text, "listen 127.0.0.1:", tls_port, " ssl http2;\nssl_certificate ",
                    certificates->certificate_path, ";\nssl_certificate_key ",
                    certificates->key_path, ";\n");
  }
  absl::StrAppend(&text, "root ", root, ";\n", locations, "\n}\n}\n");
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Nginx>> Nginx::Start(const std::string& directory,
                                                    absl::string_view locations,
                                                    const TestCertificates* certificates) {
  std::unique_ptr<Nginx> nginx(new Nginx);
  const std::string own = absl::StrCat(directory, "/nginx");
  mkdir(own.c_str(), 0755);
  const LoopbackListener plain = ListenOnLoopback();
  const LoopbackListener tls = ListenOnLoopback();
  nginx->port_ = plain.port;
  nginx->tls_port_ = tls.port;
  WriteFile(absl::StrCat(own, "/conf"),
            Configuration(directory, own, plain.port, tls.port, locations, certificates));
  OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = {"/usr/sbin/nginx",
                  "-c",
                  absl::StrCat(own, "/conf"),
                  "-p",
                  own,
                  "-e",
                  absl::StrCat(own, "/error.log")};
  options.fds = {{nothing.get(), 0}, {nothing.get(), 1}, {2, 2}, {plain.fd.get(), 3}};
  // What nginx hands to its successor when it is replaced by a newer binary.
  options.env = {"NGINX=3;"};
  if (certificates != nullptr) {
    options.fds.push_back({tls.fd.get(), 4});
    options.env = {"NGINX=3;4;"};
  }
  CLOISTER_ASSIGN_OR_RETURN(nginx->process_, Spawn(options));
  return nginx;
}

Nginx::~Nginx() {
  if (!process_.pidfd.valid()) return;
  // Not SIGKILL: the worker would stay behind.
  static_cast<void>(process_.pidfd.Signal(SIGTERM));
  static_cast<void>(process_.pidfd.WaitAndReap());
}

std::string Nginx::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

std::string Nginx::TlsUrl(absl::string_view host, absl::string_view path) const {
  return absl::StrCat("https://", host, ":", tls_port_, path);
}

}  // namespace cloister::artifact
