// A real `hg serve` for a test, on a loopback port of the kernel's choice.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_HG_SERVER_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_HG_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {

class HgServer {
 public:
  // Serves the repositories in `directory` (which it also writes its configuration to), each at its
  // name. Once it listens.
  static absl::StatusOr<std::unique_ptr<HgServer>> Start(const std::string& directory);
  ~HgServer();

  // "http://127.0.0.1:PORT/path".
  std::string Url(absl::string_view path) const;
  // For a server in front of it: "proxy_pass http://127.0.0.1:PORT", without its end.
  std::string ProxyPass() const;

 private:
  HgServer() = default;

  SpawnedProcess process_;
  std::string origin_;
};

// Runs a script of /bin/sh that makes repositories, in `directory`, with nobody's configuration.
absl::Status MakeHgRepositories(const std::string& directory, const std::string& script);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_HG_SERVER_H_
