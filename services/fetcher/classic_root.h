// The root of a cell and of a broker by mount(2) alone, for a kernel, or a filter that the fetcher
// runs under, without open_tree(2), move_mount(2) and mount_setattr(2). What is in it, and with
// which flags, is the same (confine.cc). All return 0 or an errno.
#ifndef CLOISTER_SERVICES_FETCHER_CLASSIC_ROOT_H_
#define CLOISTER_SERVICES_FETCHER_CLASSIC_ROOT_H_

namespace cloister::fetcher {

// Puts the directory that `fd` is, as the caller's mount namespace has it, on the same number: what
// was opened in another one cannot be bound here. By its path, so as an id that may walk there;
// ESTALE if that leads elsewhere.
int ReopenHere(int fd);

// The tmpfs, on top of everything; *root is a descriptor of it.
int MakeClassicRoot(int* root);

// `source` on the name in `directory`, which is there: alone, without what is mounted in it.
int BindAt(const char* source, int directory, const char* name);
int BindAt(int source, int directory, const char* name);

// MS_* flags for the mount at `path` and at the name in `directory`; those that it has stay.
int AddMountFlags(const char* path, unsigned long flags);
int AddMountFlagsAt(int directory, const char* name, unsigned long flags);

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CLASSIC_ROOT_H_
