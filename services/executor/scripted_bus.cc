#include "services/executor/scripted_bus.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"

namespace cloister::executor {
namespace {

std::string Padded(std::string text, size_t alignment) {
  while (text.size() % alignment != 0) text.push_back('\0');
  return text;
}

std::string Number(size_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8), '\0', '\0'};
}

std::string Text(const std::string& text) {
  return absl::StrCat(Number(text.size()), text, std::string(1, '\0'));
}

std::string Field(char code, char type, const std::string& value) {
  return absl::StrCat(std::string({code, '\1', type, '\0'}), value);
}

std::string Message(char kind, const std::string& fields, const std::string& body) {
  return absl::StrCat(std::string({'l', kind, '\0', '\1'}), Number(body.size()), Number(77),
                      Number(fields.size()), Padded(fields, 8), body);
}

size_t NumberAt(const std::string& text, size_t at) {
  return static_cast<uint8_t>(text[at]) + (size_t{static_cast<uint8_t>(text[at + 1])} << 8);
}

std::string Receive(int fd, size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = recv(fd, &bytes[0], size, MSG_WAITALL);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

}  // namespace

ScriptedBus::ScriptedBus(std::string greeting, std::vector<std::string> answers)
    : greeting_(std::move(greeting)),
      answers_(std::move(answers)),
      socket_(absl::StrCat("/tmp/cloister-bus-", RandomId().substr(0, 8))) {
  listening_ = OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  EXPECT_EQ(bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(listening_.get(), 1), 0);
  thread_ = std::thread([this] { Serve(); });
}

ScriptedBus::~ScriptedBus() {
  shutdown(listening_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  unlink(socket_.c_str());
}

void ScriptedBus::Serve() {
  const OwnedFd peer(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer.valid()) return;
  std::string words;
  while (!absl::EndsWith(words, "BEGIN\r\n")) {
    const std::string byte = Receive(peer.get(), 1);
    if (byte.empty()) return;
    words += byte;
  }
  sent_.push_back(words);
  send(peer.get(), greeting_.data(), greeting_.size(), MSG_NOSIGNAL);
  for (const std::string& answer : answers_) {
    std::string message = Receive(peer.get(), 16);
    if (message.size() < 16) return;
    const size_t fields = (NumberAt(message, 12) + 7) / 8 * 8;
    message += Receive(peer.get(), fields + NumberAt(message, 4));
    sent_.push_back(message);
    send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

std::vector<std::string> ScriptedBus::Sent() {
  if (thread_.joinable()) thread_.join();
  return sent_;
}

std::string ScriptedBus::Return(char serial) {
  return Message('\2', Field('\5', 'u', Number(static_cast<size_t>(serial))), "");
}

std::string ScriptedBus::Error(char serial, const std::string& name, const std::string& words) {
  const std::string fields = Field('\5', 'u', Number(static_cast<size_t>(serial)));
  return Message('\3', absl::StrCat(Padded(fields, 8), Field('\4', 's', Text(name))), Text(words));
}

std::string ScriptedBus::Signal() { return Message('\4', Field('\3', 's', Text("JobNew")), ""); }

}  // namespace cloister::executor
