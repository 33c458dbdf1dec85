#include "libs/artifact/testing/scripted_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace cloister::artifact {
namespace {

// Head, and as many bytes as it announces; empty where the peer said nothing whole.
std::string ReadRequest(int fd) {
  std::string request;
  size_t wanted = std::string::npos;
  char buffer[4096];
  while (request.size() < wanted) {
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    if (size <= 0) return wanted == std::string::npos ? "" : request;
    request.append(buffer, static_cast<size_t>(size));
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos || wanted != std::string::npos) continue;
    wanted = end + 4;
    const size_t length = absl::AsciiStrToLower(request).find("\r\ncontent-length:");
    uint64_t body = 0;
    if (length != std::string::npos && length < end &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(request.substr(
                             length + 17, request.find('\r', length + 2) - length - 17)),
                         &body)) {
      wanted += body;
    }
  }
  return request;
}

}  // namespace

LoopbackListener ListenOnLoopback() {
  LoopbackListener listener;
  listener.fd = OwnedFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      listen(listener.fd.get(), 512) == 0 &&
      getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    listener.port = ntohs(address.sin_port);
  }
  return listener;
}

bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void AwaitClose(int fd) {
  char byte[256];
  while (recv(fd, byte, sizeof(byte), 0) > 0) {
  }
}

ScriptedServer::ScriptedServer(Answer answer)
    : listener_(ListenOnLoopback()), answer_(std::move(answer)), acceptor_([this] { Accept(); }) {}

ScriptedServer::ScriptedServer(std::string response)
    : ScriptedServer([response = std::move(response)](int fd, const std::string&) {
        SendAll(fd, response);
      }) {}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_.fd.get(), SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> connections;
  {
    absl::MutexLock lock(&mutex_);
    connections.swap(connections_);
  }
  for (std::thread& connection : connections) connection.join();
}

std::string ScriptedServer::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port(), path);
}

std::vector<std::string> ScriptedServer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

void ScriptedServer::Accept() {
  for (;;) {
    OwnedFd connection(accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    absl::MutexLock lock(&mutex_);
    connections_.emplace_back([this, fd = connection.Release()] { Serve(OwnedFd(fd)); });
  }
}

void ScriptedServer::Serve(OwnedFd connection) {
  const std::string request = ReadRequest(connection.get());
  if (request.empty()) return;
  {
    absl::MutexLock lock(&mutex_);
    requests_.push_back(request);
  }
  answer_(connection.get(), request);
  shutdown(connection.get(), SHUT_WR);
  AwaitClose(connection.get());
}

}  // namespace cloister::artifact
