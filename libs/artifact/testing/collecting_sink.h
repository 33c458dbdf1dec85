// A BodySink that keeps what it gets.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_COLLECTING_SINK_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_COLLECTING_SINK_H_

#include <string>
#include <vector>

#include "libs/artifact/download.h"

namespace cloister::artifact {

struct CollectingSink : BodySink {
  absl::Status Begin(int64_t offset, int64_t whole, const Validators& said) override {
    begins.push_back(offset);
    total = whole;
    validators = said;
    body.resize(static_cast<size_t>(offset));
    return absl::OkStatus();
  }
  absl::Status Write(absl::string_view bytes) override {
    body.append(bytes.data(), bytes.size());
    return write_status;
  }

  std::string body;
  std::vector<int64_t> begins;
  int64_t total = -2;
  Validators validators;
  absl::Status write_status;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_COLLECTING_SINK_H_
