// A real S3-compatible server that verifies signatures (versitygw; tools/dev/fetch_s3_server builds
// it) over a directory of the test's.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_S3_SERVER_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_S3_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {

class S3Server {
 public:
  static constexpr char kAccessKey[] = "AKIDEXAMPLE";
  static constexpr char kSecretKey[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  static constexpr char kRegion[] = "eu-west-1";
  // Virtual-host style: <bucket>.s3.test.
  static constexpr char kDomain[] = "s3.test";

  // Buckets are the directories in `directory`/data. FAILED_PRECONDITION if the server was not
  // built: says how to.
  static absl::StatusOr<std::unique_ptr<S3Server>> Start(const std::string& directory);
  ~S3Server();

  // "http://127.0.0.1:PORT".
  std::string endpoint() const;
  uint16_t port() const { return port_; }

  // By curl(1): a new version of an object; PUT of a bucket's setting ("?versioning=").
  absl::Status Put(absl::string_view path, const std::string& body) const;

 private:
  S3Server() = default;

  SpawnedProcess process_;
  uint16_t port_ = 0;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_S3_SERVER_H_
