// Servers of a test's own on loopback: one that says a line and hangs up, one that answers for
// names as it is told.
#ifndef CLOISTER_TESTS_FETCHER_LOOPBACK_SERVERS_H_
#define CLOISTER_TESTS_FETCHER_LOOPBACK_SERVERS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "libs/base/owned_fd.h"

namespace cloister {

// Answers each connection with `reply`, after the first bytes if `reads_first`, and closes it.
class LineServer {
 public:
  // `address`: one of this machine's.
  explicit LineServer(std::string reply, bool reads_first = false,
                      const std::string& address = "127.0.0.1");
  ~LineServer();

  uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void Serve();

  const std::string reply_;
  const bool reads_first_;
  OwnedFd listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

// A name server at `address`, port 53. What it is asked for an IPv4 address of is answered by
// `answer`, "192.0.2.1"; empty: there is none.
class NameServer {
 public:
  using Answer = std::function<std::string(const std::string& name)>;
  NameServer(const std::string& address, Answer answer);
  ~NameServer();

 private:
  void Serve();

  const Answer answer_;
  OwnedFd socket_;
  OwnedFd stop_;
  std::thread thread_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_FETCHER_LOOPBACK_SERVERS_H_
