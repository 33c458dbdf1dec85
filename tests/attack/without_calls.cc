// without_calls CALL[,CALL...] PROGRAM [ARGUMENT...]: runs the program where these system calls do
// not exist: a filter answers them with ENOSYS, as an older kernel does, for it and all that it
// starts.
#include <err.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) errx(2, "usage: without_calls CALL[,CALL...] PROGRAM [ARGUMENT...]");
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) errx(1, "seccomp_init");
  // Or the filter would bring no_new_privs, which is nobody's to bring but the fence's.
  if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() == 0 ? 0 : 1) != 0) {
    errx(1, "seccomp_attr_set");
  }
  for (char* name = strtok(argv[1], ","); name != nullptr; name = strtok(nullptr, ",")) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) errx(2, "%s: no such system call", name);
    if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) != 0) errx(1, "%s", name);
  }
  if (seccomp_load(filter) != 0) errx(1, "seccomp_load");
  seccomp_release(filter);
  execv(argv[2], argv + 2);
  err(127, "%s", argv[2]);
}
