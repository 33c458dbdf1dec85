#include "libs/artifact/testing/hg_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

std::vector<std::string> Environment() {
  return {"HGRCPATH=", "HGPLAIN=1", "HGUSER=test", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"};
}

// "http://localhost:PORT/ (bound to 127.0.0.1:PORT)", said once it listens.
absl::StatusOr<std::string> ReadOrigin(int pipe) {
  std::string line;
  char c = 0;
  while (read(pipe, &c, 1) == 1 && c != '\n') line.push_back(c);
  const size_t bound = line.rfind("127.0.0.1:");
  if (bound == std::string::npos) {
    return absl::FailedPreconditionError(absl::StrCat("hg serve says '", line, "'"));
  }
  const size_t end = line.find_first_not_of("0123456789.:", bound);
  return absl::StrCat("http://", line.substr(bound, end - bound));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HgServer>> HgServer::Start(const std::string& directory) {
  std::unique_ptr<HgServer> server(new HgServer);
  const std::string configuration = directory + "/hgweb.conf";
  WriteFile(configuration, absl::StrCat("[paths]\n/ = ", directory, "/*\n"));
  const OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  const OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  SpawnOptions options;
  options.argv = {"/usr/bin/hg", "serve", "--address", "127.0.0.1", "--port", "0", "--web-conf",
                  configuration,
                  // Nobody reads its output after the first line.
                  "--accesslog", directory + "/access.log"};
  options.env = Environment();
  options.fds = {{nothing.get(), 0}, {write_end.get(), 1}, {2, 2}};
  CLOISTER_ASSIGN_OR_RETURN(server->process_, Spawn(options));
  write_end.reset();
  CLOISTER_ASSIGN_OR_RETURN(server->origin_, ReadOrigin(read_end.get()));
  return server;
}

HgServer::~HgServer() {
  if (!process_.pidfd.valid()) return;
  static_cast<void>(process_.pidfd.Signal(SIGKILL));
  static_cast<void>(process_.pidfd.WaitAndReap());
}

std::string HgServer::Url(absl::string_view path) const { return absl::StrCat(origin_, path); }

std::string HgServer::ProxyPass() const { return absl::StrCat("proxy_pass ", origin_); }

absl::Status MakeHgRepositories(const std::string& directory, const std::string& script) {
  const std::string file = directory + "/make.sh";
  WriteFile(file, absl::StrCat("set -e\ncd ", directory, "\n", script));
  return RunProgram({"/bin/sh", file}, Environment());
}

}  // namespace cloister::artifact
