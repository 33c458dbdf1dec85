// The zygote (services/fetcher) as its executor has it: started, spoken to, ended.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCHER_PROCESS_H_
#define CLOISTER_LIBS_ARTIFACT_FETCHER_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"

namespace cloister::artifact {

class FetcherProcess {
 public:
  // Starts `program` with nothing of ours but a socket and, unless -1, `log` as its stderr
  // (borrowed); waits for its first word, at most `patience`.
  static absl::StatusOr<std::unique_ptr<FetcherProcess>> Start(const std::string& program, int log,
                                                               absl::Duration patience);
  // Ends it and all its cells, and reaps it.
  ~FetcherProcess();
  FetcherProcess(const FetcherProcess&) = delete;
  FetcherProcess& operator=(const FetcherProcess&) = delete;

  // UNAVAILABLE when it does not read for the moment.
  absl::Status Send(const internal::FetcherRequest& request, absl::Span<const int> fds = {}) const;
  // UNAVAILABLE when there is nothing; any other error: it is gone.
  absl::StatusOr<internal::FetcherEvent> Receive() const;

  int socket() const { return socket_.get(); }
  pid_t pid() const { return pid_; }
  uint32_t landlock_abi() const { return landlock_abi_; }

 private:
  FetcherProcess(OwnedFd socket, pid_t pid, PidFd process)
      : socket_(std::move(socket)), pid_(pid), process_(std::move(process)) {}

  absl::Status AwaitHello(absl::Duration patience);

  const OwnedFd socket_;
  const pid_t pid_;
  const PidFd process_;
  uint32_t landlock_abi_ = 0;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCHER_PROCESS_H_
