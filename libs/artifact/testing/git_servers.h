// Real git servers for a test: git http-backend behind nginx, and git-upload-pack behind sshd.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_GIT_SERVERS_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_GIT_SERVERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {

// Serves the repositories in `repositories` at /, again below /private/ to kUser only, and
// redirects /moved/... to /... .
class GitHttpServer {
 public:
  static constexpr char kUser[] = "alice";
  static constexpr char kPassword[] = "wonderland";

  static absl::StatusOr<std::unique_ptr<GitHttpServer>> Start(const std::string& directory,
                                                              const std::string& repositories);
  ~GitHttpServer();
  std::string Url(absl::string_view path) const { return nginx_->Url(path); }

 private:
  GitHttpServer() = default;

  SpawnedProcess wrapper_;
  std::unique_ptr<Nginx> nginx_;
};

// One sshd for each connection (sshd -i), keys of its own. Logs in as the user who runs the test.
class SshServer {
 public:
  static absl::StatusOr<std::unique_ptr<SshServer>> Start(const std::string& directory);
  ~SshServer();

  uint16_t port() const { return listener_.port; }
  std::string client_key() const;
  // A key that logs nobody in.
  std::string other_key() const;
  // "ssh-ed25519 AAAA...".
  std::string host_key() const;
  std::string known_hosts() const;
  std::string known_hosts_of_another() const;

 private:
  SshServer() = default;
  void Accept();

  std::string directory_;
  LoopbackListener listener_;
  std::thread acceptor_;
  absl::Mutex mutex_;
  std::vector<SpawnedProcess> servers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_GIT_SERVERS_H_
