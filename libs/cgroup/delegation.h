// Whether a cgroup is given to whoever asks (cgroup-v2.rst, "Delegation").
#ifndef CLOISTER_LIBS_CGROUP_DELEGATION_H_
#define CLOISTER_LIBS_CGROUP_DELEGATION_H_

#include <string>

namespace cloister::cgroup {

// Whether this process may make cgroups in the one at `path`, move processes between those that are
// beneath it, and give them its controllers.
bool MayDivide(const std::string& path);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_DELEGATION_H_
