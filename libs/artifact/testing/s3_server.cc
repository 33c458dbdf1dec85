#include "libs/artifact/testing/s3_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

// As tools/dev/fetch_s3_server has it.
constexpr char kProgram[] = "versitygw-v1.8.0";

std::string FindProgram() {
  std::vector<std::string> places = {"/var/cache/cloister/s3"};
  if (const char* cache = getenv("CLOISTER_S3_CACHE")) places.insert(places.begin(), cache);
  if (const char* home = getenv("HOME"))
    places.push_back(absl::StrCat(home, "/.cache/cloister/s3"));
  for (const std::string& place : places) {
    const std::string path = absl::StrCat(place, "/", kProgram);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

// Until it says that it listens, or ends.
bool AwaitListening(int output) {
  std::string said;
  char piece[1024];
  while (!absl::StrContains(said, "listening on")) {
    const ssize_t size = read(output, piece, sizeof(piece));
    if (size <= 0) return false;
    said.append(piece, static_cast<size_t>(size));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<S3Server>> S3Server::Start(const std::string& directory) {
  const std::string program = FindProgram();
  if (program.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no ", kProgram, ": run tools/dev/fetch_s3_server"));
  }
  std::unique_ptr<S3Server> server(new S3Server);
  for (const char* name : {"/data", "/versions"}) mkdir((directory + name).c_str(), 0755);
  server->port_ = ListenOnLoopback().port;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError("pipe");
  OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = {program,
                  "--port",
                  absl::StrCat("127.0.0.1:", server->port_),
                  "--region",
                  kRegion,
                  "--virtual-domain",
                  kDomain,
                  "posix",
                  "--versioning-dir",
                  directory + "/versions",
                  directory + "/data"};
  options.env = {absl::StrCat("ROOT_ACCESS_KEY=", kAccessKey),
                 absl::StrCat("ROOT_SECRET_KEY=", kSecretKey)};
  options.fds = {{nothing.get(), 0}, {write_end.get(), 1}, {2, 2}};
  CLOISTER_ASSIGN_OR_RETURN(server->process_, Spawn(options));
  write_end.reset();
  if (!AwaitListening(read_end.get())) return absl::InternalError("versitygw did not start");
  // It goes on writing: a pipe without a reader would end it.
  static_cast<void>(read_end.Release());
  return server;
}

S3Server::~S3Server() {
  if (!process_.pidfd.valid()) return;
  static_cast<void>(process_.pidfd.Signal(SIGKILL));
  static_cast<void>(process_.pidfd.WaitAndReap());
}

std::string S3Server::endpoint() const { return absl::StrCat("http://127.0.0.1:", port_); }

absl::Status S3Server::Put(absl::string_view path, const std::string& body) const {
  return RunProgram({"/usr/bin/curl", "--silent", "--show-error", "--fail", "--request", "PUT",
                     "--aws-sigv4", absl::StrCat("aws:amz:", kRegion, ":s3"), "--user",
                     absl::StrCat(kAccessKey, ":", kSecretKey), "--header",
                     "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--data-binary", body,
                     absl::StrCat(endpoint(), path)});
}

}  // namespace cloister::artifact
