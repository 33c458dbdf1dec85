// ExecutorConfig: the executor's command line, checked.
#ifndef CLOISTER_SERVICES_EXECUTOR_EXECUTOR_CONFIG_H_
#define CLOISTER_SERVICES_EXECUTOR_EXECUTOR_CONFIG_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/capability/names.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/rpc/address.h"
#include "libs/rpc/tls_files.h"
#include "services/executor/user_scope.h"

namespace cloister::executor {

// As given; main.cc declares a flag of each name, with its meaning.
struct ExecutorFlags {
  std::string node_id;
  std::string state_dir;
  std::string run_dir;
  std::string listen;
  std::string frontend;
  std::string advertise_address;
  std::string cgroup_parent = "cloister.slice";
  std::string cgroups = "auto";
  std::string launcher_path;
  std::string fetcher_path;
  int32_t tasks_per_launcher = 256;
  int64_t max_tasks = 4096;
  int64_t memory_mib = 0;
  std::string policy;
  std::string allow_caps;
  std::string chroot_env;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_ca;
  bool dev = false;
  std::string allowed_uids;
};

struct ExecutorConfig {
  std::string node_id;
  // Absolute.
  std::string state_dir;
  // Absolute, or empty: one that is made for the state directory.
  std::string run_dir;
  // Empty: the socket in the run directory.
  std::vector<rpc::Address> listen;
  std::vector<rpc::Address> frontends;
  // Where frontends dial us. None: the first address that we listen on.
  absl::optional<rpc::Address> advertise_address;
  // False: tasks run without limits, which the node says of itself and of each task.
  bool limit_by_cgroups = true;
  std::string launcher_path;
  // Empty: the node fetches no artifacts.
  std::string fetcher_path;
  int tasks_per_launcher = 0;
  int64_t max_tasks = 0;
  // 0: what the machine has.
  int64_t memory_mib = 0;
  absl::optional<rpc::TlsFiles> tls;
  bool dev = false;
  std::vector<uid_t> allowed_uids;
  // Of the file that `policy` names, and of allow_caps, chroot_env, cgroups and cgroup_parent; the
  // rest is the default policy.
  node::NodePolicy policy;
  // Where we are, without root; not of the flags.
  node::UserNamespace user_namespace;
  // Whom to ask for a cgroup then.
  std::vector<ManagerSocket> user_managers;
};

// `hostname` is the node's id where none is given. INVALID_ARGUMENT with every flag that is wrong,
// as field violations named like the flags. Reads the file of the policy, whose problems are told
// with their places, as one violation.
absl::StatusOr<ExecutorConfig> ParseExecutorFlags(const ExecutorFlags& flags,
                                                  const std::string& hostname);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_EXECUTOR_CONFIG_H_
