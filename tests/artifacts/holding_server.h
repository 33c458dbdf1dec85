// A server of one body that holds back the rest of it where a test says so: what is interrupted
// there is interrupted in the middle of a download, every time.
#ifndef CLOISTER_TESTS_ARTIFACTS_HOLDING_SERVER_H_
#define CLOISTER_TESTS_ARTIFACTS_HOLDING_SERVER_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/artifact/testing/scripted_server.h"

namespace cloister {

class HoldingServer {
 public:
  explicit HoldingServer(std::string body)
      : body_(std::move(body)), server_([this](int fd, const std::string&) { Answer(fd); }) {}
  ~HoldingServer() { LetGo(); }

  std::string Url(absl::string_view path) const { return server_.Url(path); }
  const std::string& body() const { return body_; }

  // The next request gets `size` bytes, and the rest after LetGo.
  void HoldAt(size_t size) {
    absl::MutexLock lock(&mutex_);
    hold_at_ = size;
    let_go_ = false;
    holds_ = false;
  }
  // Until so many have been sent.
  void AwaitHeld() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&holds_));
  }
  void LetGo() {
    absl::MutexLock lock(&mutex_);
    let_go_ = true;
  }

 private:
  void Answer(int fd) {
    absl::optional<size_t> hold_at;
    {
      absl::MutexLock lock(&mutex_);
      hold_at.swap(hold_at_);
    }
    artifact::SendAll(fd, absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body_.size(),
                                       "\r\nConnection: close\r\n\r\n"));
    absl::string_view rest = body_;
    if (hold_at.has_value()) {
      artifact::SendAll(fd, rest.substr(0, *hold_at));
      rest.remove_prefix(*hold_at);
      absl::MutexLock lock(&mutex_);
      holds_ = true;
      mutex_.Await(absl::Condition(&let_go_));
    }
    artifact::SendAll(fd, rest);
  }

  const std::string body_;
  absl::Mutex mutex_;
  absl::optional<size_t> hold_at_ ABSL_GUARDED_BY(mutex_);
  bool holds_ ABSL_GUARDED_BY(mutex_) = false;
  bool let_go_ ABSL_GUARDED_BY(mutex_) = true;
  artifact::ScriptedServer server_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ARTIFACTS_HOLDING_SERVER_H_
