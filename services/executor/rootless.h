// An executor that an ordinary user has started: it goes into a user and a mount namespace of its
// own, inside which it has what root has as far as that reaches. Everything else is the same code.
// Sources: user_namespaces(7), newuidmap(1).
#ifndef CLOISTER_SERVICES_EXECUTOR_ROOTLESS_H_
#define CLOISTER_SERVICES_EXECUTOR_ROOTLESS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/node/node_facts.h"
#include "services/executor/executor_config.h"

namespace cloister::executor {

// Fills in what a user's executor has by default: --state_dir beneath $XDG_STATE_HOME (else
// ~/.local/state), --run_dir beneath $XDG_RUNTIME_DIR (else /tmp/cloister-UID); and makes the
// directories that these lie in, 0700. Before EnterUserNamespace: /tmp is a stranger's inside.
absl::Status AddUserDefaults(const std::function<std::string(const std::string&)>& environment,
                             ExecutorFlags* flags);

// First thing in main(), as the kernel allows it to a process of one thread only. The namespaces
// are those of a launcher of this state directory that still lives, as tasks that it is given are
// made of descriptors of ours; else new ones, with the ids that /etc/subuid and /etc/subgid give
// the user, where newuidmap and newgidmap are installed, and else with the user's alone.
// FAILED_PRECONDITION says what the machine does not allow.
absl::StatusOr<node::UserNamespace> EnterUserNamespace(const std::string& state_dir);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_ROOTLESS_H_
