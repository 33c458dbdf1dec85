// The writing end of a server-streaming call: a bounded queue, one message on its way at a time, an
// end that comes once whatever happens first (done, cancelled, server draining). A stream that
// nobody reads costs its queue and no thread, and never more.
//
//   grpc::ServerWriteReactor<Event>* Watch(grpc::CallbackServerContext*, const Request*) override {
//     auto stream = StreamWriter<Event>::Open(drain_, {kQueue, on_room, on_end});
//     ... keep the shared_ptr wherever events come from; Push() from any thread ...
//     return stream.get();
//   }

#ifndef CLOISTER_LIBS_RPC_STREAM_WRITER_H_
#define CLOISTER_LIBS_RPC_STREAM_WRITER_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::rpc {

struct StreamOptions {
  size_t max_queued = 64;  // Messages.
  // The queue has run empty: time to produce more. Not called for the queue of the beginning.
  std::function<void()> on_room;
  // The call is done: once, last. Neither may be called while a lock is held that they take.
  std::function<void()> on_end;
};

template <typename Response>
class StreamWriter final : public grpc::ServerWriteReactor<Response> {
 public:
  // Lives until the call is done, and as long as somebody holds it. When the server drains it ends
  // with DrainSignal::Refusal(), after what is queued by then.
  static std::shared_ptr<StreamWriter> Open(DrainSignal* drain, StreamOptions options) {
    std::shared_ptr<StreamWriter> stream(new StreamWriter(std::move(options)));
    stream->self_ = stream;
    stream->drain_ = drain->Subscribe([raw = stream.get()] { raw->Close(DrainSignal::Refusal()); });
    return stream;
  }

  // Queues a message and sends it on its way. False, and nothing happens, if the queue is full or
  // the stream has ended. gRPC may run other calls' callbacks inside: hold no lock that they take.
  bool Push(Response message) {
    const bool queued = Enqueue(std::move(message));
    Flush();
    return queued;
  }

  // The halves of Push(), for a producer whose lock orders its messages: Enqueue() under that lock,
  // Flush() after it.
  bool Enqueue(Response message) {
    absl::MutexLock lock(&mutex_);
    if (end_.has_value() || queue_.size() >= options_.max_queued) return false;
    queue_.push_back(std::move(message));
    return true;
  }
  void Flush() { Step(); }

  // Ends the call with this status when what is queued is written. The first one counts. As for
  // Push(): hold no lock.
  void Close(const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (end_.has_value()) return;
      end_ = status;
    }
    Step();
  }

  // True once the stream takes no more.
  bool closed() const {
    absl::MutexLock lock(&mutex_);
    return end_.has_value();
  }

 private:
  explicit StreamWriter(StreamOptions options) : options_(std::move(options)) {}

  // The next thing to do, if it is time for one. gRPC may call back inside StartWrite and Finish,
  // so no lock is held then; `busy_` keeps a second thread out meanwhile.
  void Step() {
    bool write = false;
    {
      absl::MutexLock lock(&mutex_);
      if (busy_ || (queue_.empty() && !end_.has_value())) return;
      busy_ = true;
      write = !queue_.empty();
      if (write) {
        current_ = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (write) {
      this->StartWrite(&current_);
    } else {
      this->Finish(ToGrpcStatus(*end_));  // Stays busy: nothing comes after.
    }
  }

  void OnWriteDone(bool ok) override {
    bool room = false;
    {
      absl::MutexLock lock(&mutex_);
      busy_ = false;
      if (!ok) {  // The client is gone.
        queue_.clear();
        if (!end_.has_value()) end_ = absl::CancelledError("the client has gone away");
      }
      room = queue_.empty() && !end_.has_value();
    }
    Step();
    if (room && options_.on_room) options_.on_room();
  }

  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      queue_.clear();
    }
    Close(absl::CancelledError("the client has cancelled the call"));
    Step();
  }

  void OnDone() override {
    const std::shared_ptr<StreamWriter> self = std::move(self_);
    drain_ = DrainSignal::Subscription();
    if (options_.on_end) options_.on_end();
  }

  const StreamOptions options_;
  Response current_;  // Of the write that is on its way: of whoever set busy_.

  mutable absl::Mutex mutex_;
  std::deque<Response> queue_ ABSL_GUARDED_BY(mutex_);
  absl::optional<absl::Status> end_;  // Written under mutex_, once.
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;

  std::shared_ptr<StreamWriter> self_;
  DrainSignal::Subscription drain_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_STREAM_WRITER_H_
