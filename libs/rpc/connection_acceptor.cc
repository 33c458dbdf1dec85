#include "libs/rpc/connection_acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/peer.h"

namespace cloister::rpc {
namespace {

// What every HTTP/2 client sends first (RFC 9113, section 3.4).
constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

constexpr uint64_t kStopId = 0;
constexpr int kAcceptsPerWake = 64;
constexpr int kPauseMillis = 50;

// Monotonic: a clock that is set must not expire connections.
absl::Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

bool OutOfDescriptors(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

OwnedFd OpenReserve() { return OwnedFd(open("/", O_PATH | O_CLOEXEC)); }

absl::Status AddToEpoll(int epoll, int fd, uint64_t id, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return ErrnoStatus(errno, "epoll_ctl");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Start(
    std::vector<Source> sources, const ConnectionLimits& limits, PeerPolicy peers) {
  auto acceptor = std::unique_ptr<ConnectionAcceptor>(
      new ConnectionAcceptor(std::move(sources), limits, std::move(peers)));
  CLOISTER_RETURN_IF_ERROR(acceptor->Open());
  acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->Run(); });
  return acceptor;
}

ConnectionAcceptor::ConnectionAcceptor(std::vector<Source> sources, const ConnectionLimits& limits,
                                       PeerPolicy peers)
    : sources_(std::move(sources)),
      limits_(limits),
      peers_(std::move(peers)),
      next_id_(kStopId + 1 + sources_.size()) {}

ConnectionAcceptor::~ConnectionAcceptor() { Stop(); }

absl::Status ConnectionAcceptor::Open() {
  epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return ErrnoStatus(errno, "epoll_create1");
  stop_ = OwnedFd(eventfd(0, EFD_CLOEXEC));
  if (!stop_.valid()) return ErrnoStatus(errno, "eventfd");
  reserve_ = OpenReserve();
  if (!reserve_.valid()) return ErrnoStatus(errno, "reserving a descriptor");
  CLOISTER_RETURN_IF_ERROR(AddToEpoll(epoll_.get(), stop_.get(), kStopId, EPOLLIN));
  for (size_t i = 0; i < sources_.size(); ++i) {
    CLOISTER_RETURN_IF_ERROR(
        AddToEpoll(epoll_.get(), sources_[i].listener, kStopId + 1 + i, EPOLLIN));
  }
  return absl::OkStatus();
}

void ConnectionAcceptor::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
  connections_.clear();
  per_uid_.clear();
  pending_.clear();
  epoll_.reset();
  absl::MutexLock lock(&mutex_);
  counters_.open = 0;
}

ConnectionCounters ConnectionAcceptor::counters() const {
  absl::MutexLock lock(&mutex_);
  return counters_;
}

void ConnectionAcceptor::Count(uint64_t ConnectionCounters::*counter) {
  absl::MutexLock lock(&mutex_);
  ++(counters_.*counter);
}

void ConnectionAcceptor::Run() {
  epoll_event events[kAcceptsPerWake];
  while (true) {
    const int count = epoll_wait(epoll_.get(), events, kAcceptsPerWake, TimeoutMillis());
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[i].data.u64;
      if (id == kStopId) return;
      if (id <= sources_.size()) {
        AcceptFrom(sources_[id - 1]);
      } else {
        HandleEvent(id, events[i].events);
      }
    }
    ExpirePending();
  }
}

int ConnectionAcceptor::TimeoutMillis() const {
  if (pending_.empty()) return -1;
  const absl::Duration left = pending_.front().deadline - Now();
  // Rounded up, or the last millisecond would be spent turning.
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left) + 1, 0, 60 * 1000));
}

void ConnectionAcceptor::AcceptFrom(const Source& source) {
  for (int i = 0; i < kAcceptsPerWake; ++i) {
    OwnedFd fd(accept4(source.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      Admit(source, std::move(fd));
    } else if (errno == EAGAIN) {
      return;
    } else if (OutOfDescriptors(errno)) {
      Shed(source);
      return;
    }
    // Anything else is the fault of one connection (accept(2): "treat them like EAGAIN by
    // retrying").
  }
}

// A connection that cannot be accepted stays readable and would keep us turning: accept it with the
// reserved descriptor and close it, so that its peer knows too.
void ConnectionAcceptor::Shed(const Source& source) {
  Count(&ConnectionCounters::out_of_descriptors);
  reserve_.reset();
  const bool accepted =
      OwnedFd(accept4(source.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)).valid();
  reserve_ = OpenReserve();
  if (accepted && reserve_.valid()) return;
  // Others take the descriptors as fast as we give them up.
  pollfd stop = {stop_.get(), POLLIN, 0};
  poll(&stop, 1, kPauseMillis);
}

void ConnectionAcceptor::Admit(const Source& source, OwnedFd fd) {
  uid_t uid = 0;
  if (source.is_unix) {
    const absl::StatusOr<uid_t> peer = ReadPeerUid(fd.get());
    if (!peer.ok() || !AdmitPeer(*peer, peers_).ok()) {
      Count(&ConnectionCounters::refused_peer);
      return;
    }
    uid = *peer;
  } else {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  OwnedFd watch(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!watch.valid()) {
    Count(&ConnectionCounters::out_of_descriptors);
    return;
  }
  if (!ReserveSlot(source, uid)) {
    Count(&ConnectionCounters::refused_limit);
    return;
  }
  Register({std::move(fd), std::move(watch), &source, uid});
}

bool ConnectionAcceptor::ReserveSlot(const Source& source, uid_t uid) {
  if (connections_.size() >= limits_.max_connections) return false;
  if (!source.is_unix) return true;
  size_t& of_uid = per_uid_[uid];
  if (of_uid >= limits_.max_connections_per_uid) return false;
  ++of_uid;
  return true;
}

void ConnectionAcceptor::Register(Connection connection) {
  const Id id = next_id_++;
  const bool is_unix = connection.source->is_unix;
  // Edge-triggered: half a preface, or one who hung up and is not closed by gRPC yet, stays ready.
  const uint32_t events = EPOLLRDHUP | EPOLLET | (is_unix ? EPOLLIN : 0u);
  const int watch = connection.watch.get();
  Connection& added = connections_.emplace(id, std::move(connection)).first->second;
  {
    absl::MutexLock lock(&mutex_);
    counters_.open = connections_.size();
  }
  if (!AddToEpoll(epoll_.get(), watch, id, events).ok()) return Forget(id);
  if (is_unix) {
    pending_.push_back({Now() + limits_.preface_timeout, id});
  } else {
    Hand(added);
  }
}

void ConnectionAcceptor::HandleEvent(Id id, uint32_t events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (found->second.pending.valid()) {
    CheckPreface(id, hung_up);
  } else if (hung_up) {
    Forget(id);
  }
}

void ConnectionAcceptor::CheckPreface(Id id, bool hung_up) {
  Connection& connection = connections_.find(id)->second;
  char bytes[kPreface.size()];
  const ssize_t count = recv(connection.watch.get(), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN && !hung_up) return;
  const size_t size = count < 0 ? 0 : static_cast<size_t>(count);
  const bool fits = absl::string_view(bytes, size) == kPreface.substr(0, size);
  if (!fits || (hung_up && size < kPreface.size())) {
    Count(&ConnectionCounters::refused_preface);
    return Forget(id);
  }
  if (size < kPreface.size()) return;
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.watch.get(), &event);
  Hand(connection);
}

void ConnectionAcceptor::Hand(Connection& connection) {
  Count(&ConnectionCounters::delivered);
  connection.source->deliver(std::move(connection.pending));
}

void ConnectionAcceptor::Forget(Id id) {
  const auto found = connections_.find(id);
  const Connection& connection = found->second;
  // By hand: while gRPC has the socket open, closing our descriptor would leave it in the epoll.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.watch.get(), nullptr);
  if (connection.source->is_unix && --per_uid_[connection.uid] == 0) {
    per_uid_.erase(connection.uid);
  }
  {
    // Before the peer can see it.
    absl::MutexLock lock(&mutex_);
    counters_.open = connections_.size() - 1;
  }
  connections_.erase(found);
}

void ConnectionAcceptor::ExpirePending() {
  const absl::Time now = Now();
  while (!pending_.empty() && pending_.front().deadline <= now) {
    const Id id = pending_.front().id;
    pending_.pop_front();
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.pending.valid()) continue;
    Count(&ConnectionCounters::refused_preface);
    Forget(id);
  }
}

}  // namespace cloister::rpc
