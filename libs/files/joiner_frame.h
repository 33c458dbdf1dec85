// Messages of libs/files/joiner_message.h, made and read by the executor. What a joiner sends is
// checked: its memory is out of a task's reach, but it works on what a task has made.
#ifndef CLOISTER_LIBS_FILES_JOINER_FRAME_H_
#define CLOISTER_LIBS_FILES_JOINER_FRAME_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cloister/v1/file.pb.h"
#include "libs/files/joiner_message.h"

namespace cloister::files {

struct Frame {
  FrameHeader header = {};
  std::string body;
};

// DATA_LOSS for what is no frame.
absl::StatusOr<Frame> ParseFrame(std::string bytes);
std::string MakeFrame(const FrameHeader& header, absl::string_view body);

// For one call of the API, with everything zero that is not said. `path` is one that CheckPath lets
// through.
JoinerRequest MakeRequest(JoinerVerb verb, absl::string_view path);
absl::string_view BytesOf(const JoinerRequest& request);

// The entries of a kFrameInfo or kFrameEntries. DATA_LOSS for what is none.
absl::StatusOr<std::vector<v1::FileInfo>> ParseEntries(absl::string_view body);

// Where a list goes on, as the key of a page token, and back. INVALID_ARGUMENT for what is none.
struct ListPosition {
  uint64_t offset = 0;
  uint64_t inode = 0;
};
std::string ListKey(const ListPosition& position);
absl::StatusOr<ListPosition> ParseListKey(absl::string_view key);

}  // namespace cloister::files

#endif  // CLOISTER_LIBS_FILES_JOINER_FRAME_H_
