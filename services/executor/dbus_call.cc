#include "services/executor/dbus_call.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::executor {
namespace {

constexpr time_t kPatienceSeconds = 5;
constexpr size_t kMostLine = 1024;
// Of a message; what we ask for is answered by less.
constexpr size_t kMostBytes = 1 << 20;

constexpr uint8_t kMethodCall = 1;
constexpr uint8_t kMethodReturn = 2;
constexpr uint8_t kError = 3;
// Of the header's fields.
constexpr uint8_t kPath = 1;
constexpr uint8_t kInterface = 2;
constexpr uint8_t kMember = 3;
constexpr uint8_t kErrorName = 4;
constexpr uint8_t kReplySerial = 5;
constexpr uint8_t kDestination = 6;
constexpr uint8_t kSignature = 8;
constexpr size_t kFixedHeader = 16;

size_t Padded(size_t size, size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

absl::Status SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return ErrnoStatus(errno, "D-Bus");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReceiveAll(int fd, size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t received = recv(fd, &bytes[got], size - got, 0);
    if (received < 0) return ErrnoStatus(errno, "D-Bus");
    if (received == 0) return absl::UnavailableError("D-Bus: the other side has hung up");
    got += static_cast<size_t>(received);
  }
  return bytes;
}

void AddField(uint8_t code, absl::string_view type, absl::string_view value, DbusBody* fields) {
  fields->Align(8);
  fields->Byte(code);
  fields->Signature(type);
  type == "g" ? fields->Signature(value) : fields->Text(value);
}

std::string MessageOf(const DbusCall& call, uint32_t serial) {
  DbusBody message;
  message.Byte('l');
  message.Byte(kMethodCall);
  message.Byte(0);
  message.Byte(1);
  message.Number(static_cast<uint32_t>(call.body.size()));
  message.Number(serial);
  const DbusBody::Array fields = message.BeginArray(8);
  AddField(kPath, "o", call.path, &message);
  AddField(kInterface, "s", call.interface, &message);
  AddField(kMember, "s", call.member, &message);
  AddField(kDestination, "s", call.destination, &message);
  if (!call.signature.empty()) AddField(kSignature, "g", call.signature, &message);
  message.EndArray(fields);
  message.Align(8);
  return absl::StrCat(message.bytes(), call.body);
}

// What was received, with an end; what lies beyond it reads as nothing.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  bool AtEnd() const { return at_ >= bytes_.size(); }
  void Align(size_t alignment) { at_ = Padded(at_, alignment); }
  uint8_t Byte() { return AtEnd() ? 0 : static_cast<uint8_t>(bytes_[at_++]); }
  uint32_t Number() {
    Align(4);
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) value |= uint32_t{Byte()} << shift;
    return value;
  }
  absl::string_view Text() { return Take(Number()); }
  absl::string_view Signature() { return Take(Byte()); }

 private:
  // With the zero behind it.
  absl::string_view Take(size_t size) {
    if (AtEnd() || size >= bytes_.size() - at_) {
      at_ = bytes_.size();
      return "";
    }
    const absl::string_view text = bytes_.substr(at_, size);
    at_ += size + 1;
    return text;
  }

  absl::string_view bytes_;
  size_t at_ = 0;
};

struct Received {
  uint8_t kind = 0;
  uint32_t reply_serial = 0;
  std::string error;
};

// The fields of a header have text or a number each.
void ReadFields(absl::string_view bytes, Received* received) {
  Reader fields(bytes);
  while (!fields.AtEnd()) {
    fields.Align(8);
    const uint8_t code = fields.Byte();
    const absl::string_view type = fields.Signature();
    if (type == "u") {
      const uint32_t number = fields.Number();
      if (code == kReplySerial) received->reply_serial = number;
    } else {
      const absl::string_view text = type == "g" ? fields.Signature() : fields.Text();
      if (code == kErrorName) received->error = std::string(text);
    }
  }
}

absl::StatusOr<Received> Receive(int fd) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string fixed, ReceiveAll(fd, kFixedHeader));
  Reader header(fixed);
  const uint8_t order = header.Byte();
  Received received;
  received.kind = header.Byte();
  header.Byte();
  header.Byte();
  const size_t body_size = header.Number();
  header.Number();
  const size_t fields_size = header.Number();
  if (order != 'l' || body_size > kMostBytes || fields_size > kMostBytes) {
    return absl::DataLossError("D-Bus: an answer that cannot be read");
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::string fields, ReceiveAll(fd, Padded(fields_size, 8)));
  ReadFields(absl::string_view(fields).substr(0, fields_size), &received);
  CLOISTER_ASSIGN_OR_RETURN(const std::string body, ReceiveAll(fd, body_size));
  // An error's first value is what it says.
  if (received.kind == kError) absl::StrAppend(&received.error, ": ", Reader(body).Text());
  return received;
}

}  // namespace

void DbusBody::Align(size_t alignment) { bytes_.resize(Padded(bytes_.size(), alignment)); }

void DbusBody::Number(uint32_t value) {
  Align(4);
  for (int shift = 0; shift < 32; shift += 8) Byte(static_cast<uint8_t>(value >> shift));
}

void DbusBody::Text(absl::string_view value) {
  Number(static_cast<uint32_t>(value.size()));
  absl::StrAppend(&bytes_, value);
  Byte(0);
}

void DbusBody::Signature(absl::string_view value) {
  Byte(static_cast<uint8_t>(value.size()));
  absl::StrAppend(&bytes_, value);
  Byte(0);
}

DbusBody::Array DbusBody::BeginArray(size_t alignment) {
  Align(4);
  Array array = {bytes_.size(), 0};
  Number(0);
  Align(alignment);
  array.begin = bytes_.size();
  return array;
}

void DbusBody::EndArray(Array array) {
  const size_t length = bytes_.size() - array.begin;
  for (size_t byte = 0; byte < 4; ++byte) {
    bytes_[array.length_at + byte] = static_cast<char>(length >> (8 * byte));
  }
}

absl::StatusOr<DbusConnection> DbusConnection::Open(const std::string& socket_path, bool is_bus) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return ErrnoStatus(ENAMETOOLONG, socket_path);
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  const timeval patience = {kPatienceSeconds, 0};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, socket_path);
  }
  DbusConnection connection(std::move(fd));
  CLOISTER_RETURN_IF_ERROR(connection.Authenticate());
  if (is_bus) {
    CLOISTER_RETURN_IF_ERROR(connection.Call({"org.freedesktop.DBus", "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus", "Hello", "", ""}));
  }
  return connection;
}

// By who we are to the kernel: a number that we named would be that of our user namespace.
absl::Status DbusConnection::Authenticate() {
  constexpr char kWords[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
  CLOISTER_RETURN_IF_ERROR(SendAll(fd_.get(), absl::string_view(kWords, sizeof(kWords) - 1)));
  std::string line;
  while (line.size() < kMostLine) {
    CLOISTER_ASSIGN_OR_RETURN(const std::string byte, ReceiveAll(fd_.get(), 1));
    absl::StrAppend(&line, byte);
    if (!absl::EndsWith(line, "\r\n")) continue;
    if (absl::StartsWith(line, "OK ")) return absl::OkStatus();
    if (!absl::StartsWith(line, "DATA")) break;
    line.clear();
  }
  return absl::PermissionDeniedError("D-Bus: does not know us");
}

absl::Status DbusConnection::Call(const DbusCall& call) {
  const uint32_t serial = ++last_serial_;
  CLOISTER_RETURN_IF_ERROR(SendAll(fd_.get(), MessageOf(call, serial)));
  return AwaitReply(serial);
}

// What else is sent to us, signals, is no answer.
absl::Status DbusConnection::AwaitReply(uint32_t serial) {
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(const Received received, Receive(fd_.get()));
    if (received.reply_serial != serial) continue;
    if (received.kind == kMethodReturn) return absl::OkStatus();
    if (received.kind == kError) return absl::FailedPreconditionError(received.error);
  }
}

}  // namespace cloister::executor
