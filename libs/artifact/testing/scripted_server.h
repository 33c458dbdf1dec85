// An HTTP server that answers as a test says, byte for byte: what no real server does.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_SCRIPTED_SERVER_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_SCRIPTED_SERVER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

// A socket that listens on 127.0.0.1 and a port of the kernel's choice.
struct LoopbackListener {
  OwnedFd fd;
  uint16_t port = 0;
};
LoopbackListener ListenOnLoopback();

// False once the peer has gone.
bool SendAll(int fd, absl::string_view bytes);

// Blocks until the peer has closed its end.
void AwaitClose(int fd);

class ScriptedServer {
 public:
  // Called with each request's head (and body, by Content-Length) on a thread of the connection;
  // after it the connection is closed.
  using Answer = std::function<void(int fd, const std::string& request)>;

  explicit ScriptedServer(Answer answer);
  // Answers everything with these bytes.
  explicit ScriptedServer(std::string response);
  ~ScriptedServer();

  uint16_t port() const { return listener_.port; }
  // "http://127.0.0.1:PORT/path".
  std::string Url(absl::string_view path) const;
  // What was asked, in the order of arrival.
  std::vector<std::string> requests() const;

 private:
  void Accept();
  void Serve(OwnedFd connection);

  LoopbackListener listener_;
  const Answer answer_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> connections_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_SCRIPTED_SERVER_H_
