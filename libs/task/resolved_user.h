// ResolvedUser: who a task runs as, after the node's user database was asked
// (libs/node/user_lookup.h). Pure data.
#ifndef CLOISTER_LIBS_TASK_RESOLVED_USER_H_
#define CLOISTER_LIBS_TASK_RESOLVED_USER_H_

#include <cstdint>
#include <string>
#include <vector>

namespace cloister::task {

struct ResolvedUser {
  // As passwd has it; the uid in digits where passwd does not know it.
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  // Supplementary groups: sorted, each once, without gid. None for a "uid:gid".
  std::vector<uint32_t> groups;
  // As passwd has it; "/" where it has none.
  std::string home;
  // gid is the group that passwd gives this uid, not one that a caller chose.
  bool gid_from_passwd = false;
};

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_RESOLVED_USER_H_
