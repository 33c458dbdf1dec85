// Closes descriptors in a child, by raw system calls.
#ifndef CLOISTER_LIBS_OS_CLOSE_FROM_H_
#define CLOISTER_LIBS_OS_CLOSE_FROM_H_

#include <errno.h>
#include <linux/close_range.h>
#include <linux/sched.h>

#include "libs/os/raw_syscall.h"

namespace cloister {

// The most descriptors that a process of this machine can have, where the kernel does not say: the
// default of fs.nr_open, which is a ceiling to every limit.
constexpr int kMostDescriptors = 1 << 20;

// Those from `first` to `last`; 0 or -errno. Where there is no close_range(2) each number is tried:
// what the table holds can be above any limit that was set since, and of a process that is not
// dumpable only root could read the list.
inline long CloseFrom(int first, int last = kMostDescriptors - 1) {
  const bool all = last == kMostDescriptors - 1;
  const long result =
      RawSyscall(__NR_close_range, first, all ? ~0U : static_cast<unsigned>(last), 0);
  if (result != -ENOSYS) return result;
  for (int fd = first; fd <= last; ++fd) RawSyscall(__NR_close, fd);
  return 0;
}

// All from `first` on, in a table that is shared: the caller's becomes its own. close_range(2)
// copies only what stays, the other way copies all first.
inline long CloseFromInOwnTable(int first) {
  const long result = RawSyscall(__NR_close_range, first, ~0U, CLOSE_RANGE_UNSHARE);
  if (result != -ENOSYS) return result;
  const long own = RawSyscall(__NR_unshare, CLONE_FILES);
  return own < 0 ? own : CloseFrom(first);
}

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_CLOSE_FROM_H_
