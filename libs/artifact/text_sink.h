// A body that is a text, in memory: as large as the limits of its transfer let it be.
#ifndef CLOISTER_LIBS_ARTIFACT_TEXT_SINK_H_
#define CLOISTER_LIBS_ARTIFACT_TEXT_SINK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/download.h"

namespace cloister::artifact {

class TextSink : public BodySink {
 public:
  absl::Status Begin(int64_t, int64_t, const Validators&) override {
    text_.clear();
    return absl::OkStatus();
  }
  absl::Status Write(absl::string_view bytes) override {
    text_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TEXT_SINK_H_
