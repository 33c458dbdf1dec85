// A cgroup from the systemd manager of an ordinary user: a scope (systemd.scope(5)) of an
// executor's own, which is delegated to it and goes with its last process.
// Source: org.freedesktop.systemd1(5), StartTransientUnit, AttachProcessesToUnit.
#ifndef CLOISTER_SERVICES_EXECUTOR_USER_SCOPE_H_
#define CLOISTER_SERVICES_EXECUTOR_USER_SCOPE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::executor {

// Where the manager may be asked: its own socket, which systemctl takes as well, and the bus of the
// user's session. `uid` is the user's to the node. Whether they are there is not looked at.
struct ManagerSocket {
  std::string path;
  bool is_bus;
};
std::vector<ManagerSocket> UserManagerSockets(
    const std::function<std::string(const std::string&)>& environment, uint32_t uid);

// Moves this process into the scope `unit` ("cloister-abc.scope"), which is made; or, where it is
// there with what an earlier executor has left, into the cgroup `leaf` in it. Returns when it is
// there. NOT_FOUND: no manager answers. FAILED_PRECONDITION: it refuses.
absl::Status MoveIntoUserScope(const std::vector<ManagerSocket>& sockets, const std::string& unit,
                               const std::string& leaf);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_USER_SCOPE_H_
