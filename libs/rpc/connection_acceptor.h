// Accepts connections for a gRPC server on a thread of its own, so that gRPC never sees those that
// we do not let in. What gRPC 1.51 lacks: the peer's uid on unix sockets, a limit of connections,
// and going on when descriptors run out (its own listener stops for good, CVE-2023-4785).

#ifndef CLOISTER_LIBS_RPC_CONNECTION_ACCEPTOR_H_
#define CLOISTER_LIBS_RPC_CONNECTION_ACCEPTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/owned_fd.h"
#include "libs/rpc/peer.h"

namespace cloister::rpc {

struct ConnectionLimits {
  size_t max_connections = 4096;          // Open at once, over all listeners. Two fds each.
  size_t max_connections_per_uid = 1024;  // Of these, from one uid over unix sockets.
  // A unix peer that has not begun to speak HTTP/2 by then is closed. (TLS and TCP: gRPC's own
  // handshake timeout.)
  absl::Duration preface_timeout = absl::Seconds(10);
};

// Since the start, but for `open`.
struct ConnectionCounters {
  size_t open = 0;
  uint64_t delivered = 0;
  uint64_t refused_peer = 0;        // By AdmitPeer().
  uint64_t refused_limit = 0;       // By ConnectionLimits.
  uint64_t refused_preface = 0;     // Spoke something else, or nothing in time.
  uint64_t out_of_descriptors = 0;  // Closed because we had none left for it.
};

class ConnectionAcceptor {
 public:
  // Takes over a connection: non-blocking, close-on-exec. Runs on the acceptor's thread: must not
  // block. Whoever closes it first shuts it down (shutdown(2)), as gRPC does: that is how its end
  // is noticed.
  using Deliver = std::function<void(OwnedFd connection)>;

  struct Source {
    int listener;  // On loan until Stop(): listening, non-blocking.
    bool is_unix;  // Peers are asked for their uid, and for the HTTP/2 preface.
    Deliver deliver;
  };

  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Start(std::vector<Source> sources,
                                                                   const ConnectionLimits& limits,
                                                                   PeerPolicy peers);

  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Calls Stop().
  ~ConnectionAcceptor();

  // Delivers no more once it has returned; what was delivered lives on, uncounted. May be called
  // again, by one thread at a time.
  void Stop();

  ConnectionCounters counters() const;

 private:
  struct Connection {
    OwnedFd pending;  // Not delivered yet.
    // A second descriptor of the same socket: hangs up when either end does.
    OwnedFd watch;
    const Source* source;
    uid_t uid;
  };
  using Id = uint64_t;

  ConnectionAcceptor(std::vector<Source> sources, const ConnectionLimits& limits, PeerPolicy peers);
  absl::Status Open();
  void Run();
  int TimeoutMillis() const;
  void AcceptFrom(const Source& source);
  void Shed(const Source& source);
  void Admit(const Source& source, OwnedFd fd);
  bool ReserveSlot(const Source& source, uid_t uid);
  void Register(Connection connection);
  void HandleEvent(Id id, uint32_t events);
  void CheckPreface(Id id, bool hung_up);
  void Hand(Connection& connection);
  void Forget(Id id);
  void ExpirePending();
  void Count(uint64_t ConnectionCounters::*counter);

  const std::vector<Source> sources_;
  const ConnectionLimits limits_;
  const PeerPolicy peers_;

  OwnedFd epoll_;
  OwnedFd stop_;
  OwnedFd reserve_;  // Given up to accept, and close, one connection when descriptors run out.
  std::thread thread_;

  // Of the acceptor's thread.
  Id next_id_;
  absl::flat_hash_map<Id, Connection> connections_;
  std::map<uid_t, size_t> per_uid_;
  struct Pending {
    absl::Time deadline;
    Id id;
  };
  std::deque<Pending> pending_;  // By deadline.

  mutable absl::Mutex mutex_;
  ConnectionCounters counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_CONNECTION_ACCEPTOR_H_
