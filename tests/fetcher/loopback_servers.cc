#include "tests/fetcher/loopback_servers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "gtest/gtest.h"

namespace cloister {

LineServer::LineServer(std::string reply, bool reads_first, const std::string& own)
    : reply_(std::move(reply)),
      reads_first_(reads_first),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, own.c_str(), &address.sin_addr), 1);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener_.get(), 64), 0);
  EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

LineServer::~LineServer() {
  shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void LineServer::Serve() {
  for (;;) {
    const OwnedFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    ++connections_;
    char request[4096];
    if (reads_first_ && recv(connection.get(), request, sizeof(request), 0) <= 0) continue;
    send(connection.get(), reply_.data(), reply_.size(), MSG_NOSIGNAL);
  }
}

NameServer::NameServer(const std::string& address, Answer answer)
    : answer_(std::move(answer)),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  constexpr uint16_t kDnsPort = 53;
  sockaddr_in place = {};
  place.sin_family = AF_INET;
  place.sin_port = htons(kDnsPort);
  EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &place.sin_addr), 1);
  EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof(place)), 0);
  thread_ = std::thread([this] { Serve(); });
}

NameServer::~NameServer() {
  const uint64_t one = 1;
  EXPECT_EQ(write(stop_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  thread_.join();
}

// RFC 1035: a header of twelve bytes, the question, and here at most one answer that points to it.
void NameServer::Serve() {
  for (;;) {
    pollfd entries[] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(entries, 2, -1) < 0 || entries[1].revents != 0) return;
    char packet[512];
    sockaddr_in from;
    socklen_t from_size = sizeof(from);
    const ssize_t size = recvfrom(socket_.get(), packet, sizeof(packet), 0,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 17) continue;
    std::string name;
    size_t at = 12;
    while (at < static_cast<size_t>(size) && packet[at] != 0) {
      const size_t length = static_cast<uint8_t>(packet[at]);
      if (!name.empty()) name += '.';
      name.append(packet + at + 1, length);
      at += length + 1;
    }
    at += 1;
    if (at + 4 > static_cast<size_t>(size)) continue;
    const bool wants_v4 = packet[at] == 0 && packet[at + 1] == 1;
    const std::string address = wants_v4 ? answer_(name) : "";
    std::string reply(packet, at + 4);
    reply[2] = static_cast<char>(0x81);
    reply[3] = static_cast<char>(0x80);
    for (size_t count = 6; count < 12; ++count) reply[count] = 0;
    in_addr binary;
    if (inet_pton(AF_INET, address.c_str(), &binary) == 1) {
      reply[7] = 1;
      const char record[] = {'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4};
      reply.append(record, sizeof(record));
      reply.append(reinterpret_cast<const char*>(&binary), sizeof(binary));
    }
    sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
           from_size);
  }
}

}  // namespace cloister
