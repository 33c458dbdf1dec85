// Pump: moves messages from a source that is asked to a stream that takes some at a time. Both call
// it whenever there may be something to do, from any thread; it moves on one thread at a time, and
// holds none while it waits.
#ifndef CLOISTER_SERVICES_EXECUTOR_PUMP_H_
#define CLOISTER_SERVICES_EXECUTOR_PUMP_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/stream_writer.h"

namespace cloister::executor {

template <typename Message>
class Pump : public std::enable_shared_from_this<Pump<Message>> {
 public:
  enum class Poll {
    kMessage,
    kNothing,  // The source calls Move when there is more.
    kEnd,
  };
  struct Source {
    // Fills in the next message. An error, and kEnd, ends the stream.
    std::function<absl::StatusOr<Poll>(Message*)> next;
    // The stream has ended: nothing is asked any more.
    std::function<void()> close;
  };

  // The stream's reactor, to be returned to gRPC; `source` may call Move from now on.
  grpc::ServerWriteReactor<Message>* Open(Source source, rpc::DrainSignal* drain) {
    source_ = std::move(source);
    rpc::StreamOptions options;
    options.max_queued = kMaxQueued;
    // Weak: the stream must not keep alive what keeps it alive.
    const std::weak_ptr<Pump> weak = this->weak_from_this();
    options.on_room = [weak] {
      if (std::shared_ptr<Pump> pump = weak.lock()) pump->Move();
    };
    // Strong: this is what keeps the pump.
    options.on_end = [pump = this->shared_from_this()] { pump->End(); };
    stream_ = rpc::StreamWriter<Message>::Open(drain, std::move(options));
    grpc::ServerWriteReactor<Message>* reactor = stream_.get();
    Move();
    return reactor;
  }

  void Move() {
    {
      absl::MutexLock lock(&mutex_);
      if (moving_ || ended_) {
        again_ = true;
        return;
      }
      moving_ = true;
    }
    while (true) {
      MoveSome();
      absl::MutexLock lock(&mutex_);
      if (!std::exchange(again_, false) || ended_) {
        moving_ = false;
        break;
      }
    }
    CloseIfEnded();
  }

 private:
  // What the stream takes ahead of its client.
  static constexpr size_t kMaxQueued = 8;

  // Until the source has nothing more or the stream takes no more. On one thread at a time.
  void MoveSome() {
    while (true) {
      if (!waiting_.has_value()) {
        Message message;
        absl::StatusOr<Poll> poll = source_.next(&message);
        if (!poll.ok()) return stream_->Close(poll.status());
        if (*poll == Poll::kEnd) return stream_->Close(absl::OkStatus());
        if (*poll == Poll::kNothing) return;
        waiting_ = std::move(message);
      }
      // Full, or ended: it calls again when it has room.
      if (!stream_->Push(*waiting_)) return;
      waiting_.reset();
    }
  }

  void End() {
    {
      absl::MutexLock lock(&mutex_);
      ended_ = true;
    }
    CloseIfEnded();
  }

  void CloseIfEnded() {
    // The stream too: it holds us, and we hold it.
    std::shared_ptr<rpc::StreamWriter<Message>> stream;
    Source source;
    {
      absl::MutexLock lock(&mutex_);
      if (!ended_ || moving_) return;
      stream.swap(stream_);
      std::swap(source, source_);
    }
    if (source.close) source.close();
  }

  Source source_;
  std::shared_ptr<rpc::StreamWriter<Message>> stream_;
  // Taken from the source, refused by the stream; the moving thread's.
  absl::optional<Message> waiting_;
  absl::Mutex mutex_;
  bool moving_ ABSL_GUARDED_BY(mutex_) = false;
  bool again_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_PUMP_H_
