// print_ids: who and where the task is, "NAME VALUE..." a line, from system calls (print_status has
// what proc says).
#include <err.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

int main() {
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0) err(1, "getresuid");
  if (getresgid(&gids[0], &gids[1], &gids[2]) != 0) err(1, "getresgid");
  printf("uid %u %u %u\n", uids[0], uids[1], uids[2]);
  printf("gid %u %u %u\n", gids[0], gids[1], gids[2]);
  static gid_t groups[NGROUPS_MAX];
  const int count = getgroups(NGROUPS_MAX, groups);
  if (count < 0) err(1, "getgroups");
  printf("groups");
  for (int i = 0; i < count; ++i) printf(" %u", groups[i]);
  printf("\npid %d\nppid %d\nsid %d\npgid %d\n", getpid(), getppid(), getsid(0), getpgrp());
  const mode_t mask = umask(0);
  printf("umask %03o\n", mask);
  char directory[PATH_MAX];
  printf("cwd %s\n", getcwd(directory, sizeof(directory)) != nullptr ? directory : "?");
  utsname names;
  if (uname(&names) != 0) err(1, "uname");
  printf("hostname %s\n", names.nodename);
  return 0;
}
