#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

constexpr char kShort[] = R"hcl(job "example" {
  group "example" {
    task "example" {
      driver = "exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"hello from $(hostname)\""]
      }
    }
  }
}
)hcl";

constexpr char kLong[] =
    R"hcl(# A job for `cloister run FILE`: one group, one task. `cloister validate FILE` says what is wrong with
# it, `cloister explain FILE` what a node would make of it. docs/task-reference.md lists everything.

# A value that can be given from outside: cloister run --var greeting=hi FILE.
variable "greeting" {
  type    = string
  default = "hello"
}

job "example" {
  # For a scheduler; nothing here chooses nodes by it.
  datacenters = ["*"]
  type        = "batch"

  # In the task's environment: NOMAD_META_owner.
  meta {
    owner = "nobody in particular"
  }

  group "example" {
    # A directory of the node that its policy names as host_volume "data".
    #
    # volume "data" {
    #   type      = "host"
    #   source    = "data"
    #   read_only = true
    # }

    # Tasks are not restarted.
    restart {
      attempts = 0
      mode     = "fail"
    }

    task "example" {
      driver = "exec"

      # A user of the node. Left out: nobody.
      # user = "www-data"

      config {
        # An absolute path inside the task's root, or a name that is looked up in /local, the root, the
        # volumes, /usr/local/bin, /usr/bin and /bin.
        command = "/bin/sh"

        # ${...} is replaced before the task starts, $${...} is left for the shell.
        args = ["-c", "echo \"$${GREETING} from ${node.unique.name}\"; exec id"]

        # work_dir = "/local"
        # pid_mode = "private"
        # ipc_mode = "private"
        # cap_drop = ["all"]
        # cap_add  = ["net_bind_service"]
      }

      env {
        GREETING = var.greeting
      }

      # volume_mount {
      #   volume      = "data"
      #   destination = "/data"
      # }

      # What the node must be.
      constraint {
        attribute = "${attr.kernel.name}"
        value     = "linux"
      }

      resources {
        cpu    = 100 # weight, relative to the other tasks of the node
        memory = 64  # MiB, limit
        pids   = 64  # most processes and threads
        # memory_max = 128
        # secrets    = 1 # MiB of /secrets, which is in memory
      }

      # A stop sends kill_signal, and kills what is left after kill_timeout.
      kill_signal  = "SIGTERM"
      kill_timeout = "5s"
    }
  }
}
)hcl";

absl::Status WriteNew(const std::string& path, absl::string_view text) {
  OwnedFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid() && errno == EEXIST) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat("'", path, "': is there already")),
                    "cloister job init OTHER.hcl");
  }
  while (file.valid() && !text.empty()) {
    const ssize_t written = write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return file.valid() ? absl::OkStatus() : ErrnoStatus(errno, path);
}

class JobInitVerb : public Verb {
 public:
  absl::string_view name() const override { return "job init"; }
  absl::string_view arguments() const override { return "[--short] [FILE]"; }
  absl::string_view summary() const override { return "Write a job file to begin with"; }
  absl::string_view details() const override {
    return "FILE is example.hcl unless it is given, and must not be there yet.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("short", &short_, "Without comments, and with what is needed alone.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session*) override {
    absl::Status expected = ExpectArguments(arguments, {"FILE"}, /*optional=*/1);
    if (!expected.ok()) return expected;
    const std::string path = arguments.empty() ? "example.hcl" : arguments[0];
    absl::Status written = WriteNew(path, short_ ? kShort : kLong);
    if (!written.ok()) return written;
    absl::Status printed = Print(absl::StrCat(path, ": try cloister run ", path, "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  bool short_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeJobInitVerb() { return std::make_unique<JobInitVerb>(); }

}  // namespace cloister
