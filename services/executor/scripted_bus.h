// The other side of DbusConnection in a test: takes one connection, answers each call with what it
// was given, and keeps what it was sent.
#ifndef CLOISTER_SERVICES_EXECUTOR_SCRIPTED_BUS_H_
#define CLOISTER_SERVICES_EXECUTOR_SCRIPTED_BUS_H_

#include <string>
#include <thread>
#include <vector>

#include "libs/base/owned_fd.h"

namespace cloister::executor {

class ScriptedBus {
 public:
  // `greeting` answers the authentication. Each answer is raw bytes; when there are no more, the
  // connection is closed.
  ScriptedBus(std::string greeting, std::vector<std::string> answers);
  // Waits for the end of the connection.
  ~ScriptedBus();
  ScriptedBus(const ScriptedBus&) = delete;
  ScriptedBus& operator=(const ScriptedBus&) = delete;

  const std::string& socket() const { return socket_; }
  // After the other side has closed: its words of authentication, then each message.
  std::vector<std::string> Sent();

  // A message that answers call `serial`: with nothing, or with an error.
  static std::string Return(char serial);
  static std::string Error(char serial, const std::string& name, const std::string& words);
  // One that answers nothing.
  static std::string Signal();

 private:
  void Serve();

  const std::string greeting_;
  const std::vector<std::string> answers_;
  std::string socket_;
  OwnedFd listening_;
  std::vector<std::string> sent_;
  std::thread thread_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_SCRIPTED_BUS_H_
