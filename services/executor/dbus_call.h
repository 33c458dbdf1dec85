// Calls by D-Bus of a service of our own user: as much of the protocol as asking systemd's manager
// for a cgroup takes (user_scope.h), so that an executor is not linked with a library for it.
// Source: the D-Bus specification, "Message Protocol", "Authentication Protocol".
#ifndef CLOISTER_SERVICES_EXECUTOR_DBUS_CALL_H_
#define CLOISTER_SERVICES_EXECUTOR_DBUS_CALL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"

namespace cloister::executor {

// Values as they stand in a message, each at its alignment.
class DbusBody {
 public:
  void Align(size_t alignment);
  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Number(uint32_t value);
  // An object's path, too.
  void Text(absl::string_view value);
  void Signature(absl::string_view value);

  // What BeginArray returns belongs to the EndArray of the same array. `alignment` is its
  // elements'.
  struct Array {
    size_t length_at;
    size_t begin;
  };
  Array BeginArray(size_t alignment);
  void EndArray(Array array);

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

struct DbusCall {
  std::string destination;
  std::string path;
  std::string interface;
  std::string member;
  // Of the body.
  std::string signature;
  std::string body;
};

class DbusConnection {
 public:
  // `socket` is a path. `is_bus`: others are on it, and it wants to be greeted; else the service
  // itself. Nothing here waits for longer than a few seconds.
  static absl::StatusOr<DbusConnection> Open(const std::string& socket, bool is_bus);

  // Sends it and waits for the answer, whose values nobody here needs. FAILED_PRECONDITION: it is
  // refused; the message begins with the error's name, "org.freedesktop.systemd1.UnitExists: ...".
  absl::Status Call(const DbusCall& call);

 private:
  explicit DbusConnection(OwnedFd fd) : fd_(std::move(fd)) {}
  absl::Status Authenticate();
  absl::Status AwaitReply(uint32_t serial);

  OwnedFd fd_;
  uint32_t last_serial_ = 0;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_DBUS_CALL_H_
