#include "tools/cloister/artifact_progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

using Status = v1::ArtifactStatus;

constexpr size_t kBarWidth = 20;
constexpr size_t kLeastSource = 20;

absl::string_view StateWord(Status::State state) {
  switch (state) {
    case Status::STATE_WAITING:
      return "waiting";
    case Status::STATE_FETCHING:
      return "fetching";
    case Status::STATE_UNPACKING:
      return "unpacking";
    case Status::STATE_READY:
      return "ready";
    case Status::STATE_FAILED:
      return "failed";
    default:
      return "";
  }
}

std::string BarOf(const Status& status) {
  const double share = std::min(
      1.0, static_cast<double>(status.fetched_bytes()) / static_cast<double>(status.total_bytes()));
  const size_t filled = static_cast<size_t>(share * kBarWidth);
  return absl::StrCat("  [", std::string(filled, '#'), std::string(kBarWidth - filled, '-'), "]  ",
                      static_cast<int>(share * 100), "%");
}

std::string Measures(const Status& status, double rate) {
  if (status.state() == Status::STATE_READY && status.cached()) return "  cached";
  if (status.state() == Status::STATE_READY) {
    return absl::StrCat("  ", BytesInWords(status.fetched_bytes()), " in ",
                        MeasuredInWords(ToDuration(status.download())));
  }
  if (status.state() != Status::STATE_FETCHING) return "";
  std::string words;
  if (status.total_bytes() > 0) {
    words = BarOf(status);
  } else if (status.fetched_bytes() > 0) {
    words = absl::StrCat("  ", BytesInWords(status.fetched_bytes()));
  }
  if (rate > 0) {
    absl::StrAppend(&words, "  ", BytesInWords(static_cast<uint64_t>(rate)), "/s");
    if (status.total_bytes() > status.fetched_bytes()) {
      const double left = static_cast<double>(status.total_bytes() - status.fetched_bytes());
      absl::StrAppend(&words, "  ", AgeInWords(absl::Seconds(left / rate)));
    }
  }
  if (status.attempts() > 1) absl::StrAppend(&words, "  attempt ", status.attempts());
  return words;
}

// The end says more than the beginning: it has the file's name.
std::string Shortened(const std::string& text, size_t most) {
  return text.size() <= most ? text : absl::StrCat("...", text.substr(text.size() - (most - 3)));
}

}  // namespace

std::string ArtifactBar(const Status& status, double rate, size_t columns) {
  const std::string state(StateWord(status.state()));
  const std::string measures = Measures(status, rate);
  const size_t taken = state.size() + 1 + measures.size() + 1;
  const size_t left = columns > taken + kLeastSource ? columns - taken : kLeastSource;
  return absl::StrCat(state, " ", Shortened(Printable(status.source()), left), measures);
}

void ArtifactProgress::Show(const v1::Task& task, absl::Duration now) {
  const size_t count = static_cast<size_t>(task.artifacts_size());
  if (count == 0) return;
  if (seen_.size() < count) seen_.resize(count);
  if (terminal_.is_terminal) {
    ShowBars(task, now);
  } else {
    ShowLines(task);
  }
  for (size_t i = 0; i < count; ++i) seen_[i].state = task.artifacts(static_cast<int>(i)).state();
}

void ArtifactProgress::ShowBars(const v1::Task& task, absl::Duration now) {
  std::string text;
  if (lines_drawn_ > 0) text = absl::StrCat("\x1b[", lines_drawn_, "A");
  for (size_t i = 0; i < static_cast<size_t>(task.artifacts_size()); ++i) {
    const Status& status = task.artifacts(static_cast<int>(i));
    Seen& seen = seen_[i];
    if (status.state() == Status::STATE_FETCHING && seen.state != Status::STATE_FETCHING) {
      seen.since = now;
      seen.bytes = status.fetched_bytes();
    }
    double rate = 0;
    if (now > seen.since && status.fetched_bytes() > seen.bytes) {
      rate = static_cast<double>(status.fetched_bytes() - seen.bytes) /
             absl::ToDoubleSeconds(now - seen.since);
    }
    absl::StrAppend(&text, "\r\x1b[K", ArtifactBar(status, rate, terminal_.columns), "\n");
  }
  lines_drawn_ = static_cast<size_t>(task.artifacts_size());
  write_(text);
}

void ArtifactProgress::ShowLines(const v1::Task& task) {
  for (size_t i = 0; i < static_cast<size_t>(task.artifacts_size()); ++i) {
    const Status& status = task.artifacts(static_cast<int>(i));
    if (status.state() == seen_[i].state || status.state() == Status::STATE_WAITING) continue;
    write_(absl::StrCat(ArtifactBar(status, 0, 4096), "\n"));
  }
}

}  // namespace cloister
