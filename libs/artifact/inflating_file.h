// Where a body goes that is compressed by zlib (RFC 1950): into a file, without the compression,
// and no further than its limits.
#ifndef CLOISTER_LIBS_ARTIFACT_INFLATING_FILE_H_
#define CLOISTER_LIBS_ARTIFACT_INFLATING_FILE_H_

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/download.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

class InflatingFile : public BodySink {
 public:
  using OnReceived = std::function<void(int64_t bytes)>;

  // `file`: borrowed, empty, written from its beginning. Of the limits `bytes` and `ratio` count.
  // `shown`: whose body it is, for errors.
  InflatingFile(int file, const UnpackLimits& limits, std::string shown, OnReceived on_received);

  absl::Status Begin(int64_t offset, int64_t total, const Validators& validators) override;
  // DATA_LOSS for what is not compressed by zlib, or goes on after its end; RESOURCE_EXHAUSTED
  // names the limit.
  absl::Status Write(absl::string_view bytes) override;
  // Once, last. DATA_LOSS if the end is missing.
  absl::Status Finish() const;

  int64_t received() const { return received_; }
  uint64_t size() const { return size_; }

 private:
  struct EndStream {
    void operator()(z_stream* stream) const;
  };

  absl::Status Take(absl::string_view bytes);
  absl::Status CheckLimits() const;
  absl::Status Damaged(absl::string_view why) const;

  const int file_;
  const UnpackLimits limits_;
  const std::string shown_;
  const OnReceived on_received_;
  std::unique_ptr<z_stream, EndStream> stream_;
  const std::unique_ptr<char[]> piece_;
  bool ended_ = false;
  int64_t received_ = 0;
  uint64_t size_ = 0;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_INFLATING_FILE_H_
