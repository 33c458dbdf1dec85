#include "libs/artifact/inflating_file.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

absl::Status Exhausted(absl::string_view shown, absl::string_view what, absl::string_view limit,
                       uint64_t value) {
  return absl::ResourceExhaustedError(absl::StrCat(shown,
                                                   ": what the server sends inflates to more ",
                                                   what, " than the limit ", limit, " of ", value));
}

}  // namespace

void InflatingFile::EndStream::operator()(z_stream* stream) const {
  inflateEnd(stream);
  delete stream;
}

InflatingFile::InflatingFile(int file, const UnpackLimits& limits, std::string shown,
                             OnReceived on_received)
    : file_(file),
      limits_(limits),
      shown_(std::move(shown)),
      on_received_(std::move(on_received)),
      piece_(std::make_unique<char[]>(kPieceBytes)) {}

absl::Status InflatingFile::Damaged(absl::string_view why) const {
  return absl::DataLossError(absl::StrCat(shown_, ": what the server sends ", why));
}

absl::Status InflatingFile::Begin(int64_t offset, int64_t, const Validators&) {
  if (offset != 0) return absl::InternalError("inflate: the transfer goes on at another place");
  if (ftruncate(file_, 0) != 0) return ErrnoStatus(errno, "inflate");
  stream_.reset(new z_stream());
  if (inflateInit(stream_.get()) != Z_OK) return absl::ResourceExhaustedError("inflate: memory");
  ended_ = false;
  received_ = 0;
  size_ = 0;
  return absl::OkStatus();
}

absl::Status InflatingFile::Take(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write what is inflated");
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

absl::Status InflatingFile::CheckLimits() const {
  if (size_ > limits_.bytes) return Exhausted(shown_, "bytes", "bytes", limits_.bytes);
  if (size_ <= kRatioFloorBytes) return absl::OkStatus();
  const auto in = static_cast<uint64_t>(received_);
  if (size_ / in > limits_.ratio || (size_ / in == limits_.ratio && size_ % in > 0)) {
    return Exhausted(shown_, "bytes for each of its own", "ratio", limits_.ratio);
  }
  return absl::OkStatus();
}

absl::Status InflatingFile::Write(absl::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (ended_) return Damaged("goes on after its end");
  received_ += static_cast<int64_t>(bytes.size());
  if (on_received_) on_received_(received_);
  // zlib does not write to it.
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream_->avail_in = static_cast<uInt>(bytes.size());
  // A piece that was filled may have more behind it.
  bool filled = false;
  while (stream_->avail_in > 0 || filled) {
    stream_->next_out = reinterpret_cast<Bytef*>(piece_.get());
    stream_->avail_out = kPieceBytes;
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    filled = stream_->avail_out == 0;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Damaged("is not compressed by zlib, or is damaged");
    }
    CLOISTER_RETURN_IF_ERROR(Take({piece_.get(), kPieceBytes - stream_->avail_out}));
    CLOISTER_RETURN_IF_ERROR(CheckLimits());
    if (result != Z_STREAM_END) continue;
    ended_ = true;
    if (stream_->avail_in == 0) return absl::OkStatus();
    return Damaged("goes on after its end");
  }
  return absl::OkStatus();
}

absl::Status InflatingFile::Finish() const {
  if (ended_) return absl::OkStatus();
  return Damaged("ends too early");
}

}  // namespace cloister::artifact
