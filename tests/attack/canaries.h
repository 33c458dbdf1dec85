// What no task may reach, change, add to or signal, planted on the host; and what our own services
// may not lose or gain by what tasks do.
#ifndef CLOISTER_TESTS_ATTACK_CANARIES_H_
#define CLOISTER_TESTS_ATTACK_CANARIES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"

namespace cloister {

class Canaries {
 public:
  // Makes them in an existing directory. `program`: tests/payloads/attack, on the host.
  static absl::StatusOr<std::unique_ptr<Canaries>> Plant(const std::string& directory,
                                                         const std::string& program);

  // A file that only the owner can read, with secret() in it; a file and a directory that are to
  // stay as they are. All three are open to all but the first.
  const std::string& secret_file() const { return secret_file_; }
  const std::string& secret() const { return secret_; }
  const std::string& file() const { return file_; }
  const std::string& directory() const { return directory_; }
  std::vector<std::string> paths() const { return {secret_file_, file_, directory_}; }
  // A process that counts its signals.
  pid_t victim() const { return victim_pid_; }

  // What has happened to them, a sentence each. Ends the victim; call once.
  std::vector<std::string> Injuries();

 private:
  Canaries() = default;
  absl::Status StartVictim(const std::string& program);

  std::string secret_;
  std::string secret_file_;
  std::string file_;
  std::string directory_;
  pid_t victim_pid_ = -1;
  PidFd victim_;
  OwnedFd victim_input_;
  OwnedFd victim_output_;
};

// Of all services of a cluster together.
struct Footprint {
  long descriptors = 0;
  long threads = 0;
  long resident_kib = 0;
};
// `directory`: the cluster's. Descriptors of processes that may not be looked into count as none.
absl::StatusOr<Footprint> MeasureServices(const std::string& directory);

// Of a file's content; 0 if it cannot be read.
size_t HashOfFile(const std::string& path);

}  // namespace cloister

#endif  // CLOISTER_TESTS_ATTACK_CANARIES_H_
