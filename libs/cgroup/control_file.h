// Reads and writes of the kernel's cgroup control files: one open, one read or write, one close,
// and an error that begins with the file's whole path.
#ifndef CLOISTER_LIBS_CGROUP_CONTROL_FILE_H_
#define CLOISTER_LIBS_CGROUP_CONTROL_FILE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::cgroup {

// A control file as opened and as shown: `path` is beneath `directory` (a descriptor, borrowed),
// and `shown` is what stands before it in an error, e.g.
// "/sys/fs/cgroup/pids/cloister.slice/share".
struct ControlFile {
  int directory;
  std::string path;
  absl::string_view shown;
};

// By absolute path.
ControlFile FileAt(const std::string& path);

// Errors carry their errno (ErrnoOf): "/sys/fs/cgroup/memory/x/memory.limit_in_bytes: invalid
// argument".
absl::StatusOr<std::string> ReadControlFile(const ControlFile& file);
absl::Status WriteControlFile(const ControlFile& file, absl::string_view value);

// The pids of a cgroup.procs file: "12\n13\n". Lines that are no number are skipped; 0, a process
// of another pid namespace, is kept.
std::vector<pid_t> ParsePids(absl::string_view text);

// The value of `key` in a file of "key value" lines, such as memory.events and cpu.stat; 0 if there
// is none.
uint64_t ParseCounter(absl::string_view text, absl::string_view key);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_CONTROL_FILE_H_
