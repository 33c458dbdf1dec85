#include "libs/artifact/fetcher_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/os/seqpacket.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {
namespace {

constexpr int kControlFd = 3;

absl::Status MakeNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "O_NONBLOCK");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FetcherProcess>> FetcherProcess::Start(const std::string& program,
                                                                      int log,
                                                                      absl::Duration patience) {
  CLOISTER_ASSIGN_OR_RETURN(auto pair, MakeSeqpacketPair());
  CLOISTER_RETURN_IF_ERROR(MakeNonBlocking(pair.first.get()));
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  if (log < 0) log = null.get();
  SpawnOptions options;
  options.argv = {program, "--control_fd=3"};
  options.fds = {{null.get(), STDIN_FILENO},
                 {log, STDOUT_FILENO},
                 {log, STDERR_FILENO},
                 {pair.second.get(), kControlFd}};
  options.new_session = true;
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess spawned, Spawn(options));
  pair.second.reset();
  std::unique_ptr<FetcherProcess> process(
      new FetcherProcess(std::move(pair.first), spawned.pid, std::move(spawned.pidfd)));
  CLOISTER_RETURN_IF_ERROR(Annotate(process->AwaitHello(patience), "'", program, "'"));
  return process;
}

FetcherProcess::~FetcherProcess() {
  process_.Signal(SIGKILL).IgnoreError();  // It may have ended.
  process_.WaitAndReap().status().IgnoreError();
}

absl::Status FetcherProcess::AwaitHello(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  for (;;) {
    const absl::StatusOr<internal::FetcherEvent> event = Receive();
    if (event.ok() && event->has_hello()) {
      landlock_abi_ = event->hello().landlock_abi();
      if (event->hello().version() == kFetcherWireVersion) return absl::OkStatus();
      return absl::FailedPreconditionError(
          absl::StrCat("a fetcher of wire version ", event->hello().version(), ", not ",
                       kFetcherWireVersion, ": it is of another installation"));
    }
    if (!absl::IsUnavailable(event.status())) {
      return absl::FailedPreconditionError(
          "the fetcher ended before it said a word; its own words are in the log");
    }
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return absl::DeadlineExceededError("the fetcher does not answer");
    pollfd entry = {socket_.get(), POLLIN, 0};
    // EINTR, or a timeout: the loop sees.
    [[maybe_unused]] const int ready = poll(&entry, 1, static_cast<int>(left));
  }
}

absl::Status FetcherProcess::Send(const internal::FetcherRequest& request,
                                  absl::Span<const int> fds) const {
  return SendPacket(socket_.get(), request.SerializeAsString(), fds);
}

absl::StatusOr<internal::FetcherEvent> FetcherProcess::Receive() const {
  CLOISTER_ASSIGN_OR_RETURN(const Packet packet, ReceivePacket(socket_.get()));
  internal::FetcherEvent event;
  if (!event.ParseFromString(packet.bytes)) return absl::DataLossError("no event of a fetcher's");
  return event;
}

}  // namespace cloister::artifact
