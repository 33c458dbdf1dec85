// How far the artifacts of a task are, shown while it waits for them: bars on a terminal, drawn
// over each other; a line for each step elsewhere.
#ifndef CLOISTER_TOOLS_CLOISTER_ARTIFACT_PROGRESS_H_
#define CLOISTER_TOOLS_CLOISTER_ARTIFACT_PROGRESS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cloister/v1/task.pb.h"
#include "tools/cloister/terminal.h"

namespace cloister {

class ArtifactProgress {
 public:
  // `write` gets text for the terminal as it is.
  ArtifactProgress(Terminal terminal, std::function<void(const std::string&)> write)
      : terminal_(terminal), write_(std::move(write)) {}

  // Shows what has changed. `now` is of any clock that does not jump.
  void Show(const v1::Task& task, absl::Duration now);

 private:
  struct Seen {
    v1::ArtifactStatus::State state = v1::ArtifactStatus::STATE_UNSPECIFIED;
    // When it was first seen to be fetched, and how much of it was there: for its rate.
    absl::Duration since;
    uint64_t bytes = 0;
  };
  void ShowBars(const v1::Task& task, absl::Duration now);
  void ShowLines(const v1::Task& task);

  const Terminal terminal_;
  const std::function<void(const std::string&)> write_;
  std::vector<Seen> seen_;
  size_t lines_drawn_ = 0;
};

// "fetching https://h/x  [######----]  61%  12.3 MiB/s  2s": one line of at most `columns`.
// `rate` in bytes a second, 0: not known.
std::string ArtifactBar(const v1::ArtifactStatus& status, double rate, size_t columns);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_ARTIFACT_PROGRESS_H_
