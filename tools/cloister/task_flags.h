// The flags that say what a task shall be, shared by `run` and `explain`: one for each attribute of
// TaskConfig, by its name. What is typed is what runs: a "${" in it is escaped, so that no node
// replaces it.
#ifndef CLOISTER_TOOLS_CLOISTER_TASK_FLAGS_H_
#define CLOISTER_TOOLS_CLOISTER_TASK_FLAGS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/v1/task.pb.h"
#include "tools/cloister/flags.h"

namespace cloister {

class TaskFlags {
 public:
  // Value of a variable of the caller's environment, for `--env NAME`; null when unset.
  using Lookup = std::function<const char*(const std::string& name)>;

  // Declares them all; this object outlives `flags`' use.
  void Declare(FlagSet* flags);

  // `command` is the command and its arguments, not empty. Checks only what cannot be expressed in
  // the message; what the values mean, the server checks. INVALID_ARGUMENT names the flag.
  absl::StatusOr<v1::TaskConfig> MakeConfig(const std::vector<std::string>& command,
                                            const Lookup& environment) const;

  const std::string& node() const { return node_; }
  // Name of the first flag given that says what the task is (--node says where); empty: none.
  const std::string& first_given() const { return first_given_; }

 private:
  void DeclareTask(FlagSet* flags);
  void SetFence(v1::ExecConfig* config) const;

  std::string first_given_;
  std::string name_;
  std::string user_;
  std::vector<std::string> env_;
  absl::optional<int64_t> memory_;
  absl::optional<int64_t> memory_max_;
  absl::optional<int64_t> secrets_;
  absl::optional<int64_t> cpu_;
  absl::optional<int64_t> pids_;
  std::vector<std::string> cap_add_;
  std::vector<std::string> cap_drop_;
  std::string work_dir_;
  std::string pid_mode_;
  std::string ipc_mode_;
  std::vector<std::string> chroot_env_;
  bool no_init_ = false;
  std::string userns_;
  std::string root_;
  std::string seccomp_;
  bool without_landlock_ = false;
  bool new_privs_ = false;
  bool unmasked_paths_ = false;
  std::vector<std::string> volumes_;
  absl::optional<absl::Duration> kill_timeout_;
  std::string kill_signal_;
  std::vector<std::string> meta_;
  std::string node_;
};

// "300", "300m" (MiB) or "2g" (GiB), in MiB.
absl::StatusOr<int64_t> ParseMebibytes(absl::string_view text);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_TASK_FLAGS_H_
