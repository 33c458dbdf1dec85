// The seccomp programs that the executor has sent, by the hash of their profile. What they say is
// the executor's affair (libs/seccomp).
#ifndef CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_
#define CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace cloister {
namespace launch {

// Thread-safe.
class SeccompPrograms {
 public:
  SeccompPrograms();
  ~SeccompPrograms();

  // `bytes` is an array of sock_filter. INVALID_ARGUMENT if it cannot be one. The first one of a
  // hash stays.
  absl::Status Add(const std::string& hash, absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // A sock_fprog, for prctl(PR_SET_SECCOMP); lives as long as *this. nullptr for one that was not
  // added.
  const void* Find(const std::string& hash) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Program;

  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Program>> programs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_
