#include <errno.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "tools/cloister/dev_binaries.h"
#include "tools/cloister/dev_cluster.h"
#include "tools/cloister/dev_layout.h"
#include "tools/cloister/dev_stop.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/interrupts.h"
#include "tools/cloister/machine_check.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

constexpr absl::Duration kStartPatience = absl::Seconds(30);

// What of the caller's environment the services get: how they find libraries and the user's systemd
// manager, how sanitizers and gRPC report.
constexpr const char* kPassedOn[] = {"PATH",
                                     "TZ",
                                     "LD_LIBRARY_PATH",
                                     "XDG_RUNTIME_DIR",
                                     "DBUS_SESSION_BUS_ADDRESS",
                                     "ASAN_OPTIONS",
                                     "LSAN_OPTIONS",
                                     "TSAN_OPTIONS",
                                     "UBSAN_OPTIONS",
                                     "GRPC_VERBOSITY",
                                     "GRPC_TRACE"};

// An ordinary user has a place for such things; root says where.
absl::Status NeedDirectory(const Session& session, std::string* directory) {
  if (!directory->empty()) return absl::OkStatus();
  const char* const state = session.environment("XDG_STATE_HOME");
  const char* const home = session.environment("HOME");
  if (geteuid() != 0 && state != nullptr && *state == '/') {
    *directory = absl::StrCat(state, "/cloister-dev");
  } else if (geteuid() != 0 && home != nullptr && *home == '/') {
    *directory = absl::StrCat(home, "/.local/state/cloister-dev");
  }
  if (!directory->empty()) return absl::OkStatus();
  return WithHint(
      absl::InvalidArgumentError("--dir is missing: the directory that the cluster lives in"),
      "--dir /tmp/cloister");
}

// Services run in directories of their own.
absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return ErrnoStatus(errno, absl::StrCat("--policy '", path, "'"));
  std::string absolute = resolved;
  free(resolved);
  return absolute;
}

class DevVerb : public Verb {
 public:
  absl::string_view name() const override { return "dev"; }
  absl::string_view arguments() const override { return "--dir DIR [flags]"; }
  absl::string_view summary() const override { return "Start a private cluster in one directory"; }
  absl::string_view details() const override {
    return "Prints the line that tells the other verbs where it is:  eval \"$(cloister dev --dir "
           "DIR --detach)\"\n"
           "Without --detach it stays until Ctrl-C and then ends the cluster with its tasks. On a "
           "directory whose\n"
           "cluster runs already it starts what is missing of it.\n";
  }
  absl::string_view completes() const override { return "stop"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Text("dir", &directory_, "DIR",
                "Everything of the cluster is in here. Default, not of root: "
                "$XDG_STATE_HOME/cloister-dev.");
    flags->Number("nodes", &nodes_, 1, kMaxDevNodes, "N", "How many nodes. Default: 1.");
    flags->Switch("detach", &detach_, "Return when it is ready; `cloister dev stop` ends it.", 'd');
    flags->Choice("cgroups", &cgroups_, {"auto", "none"},
                  "none: tasks are fenced, but not limited; for machines with read-only cgroups.");
    flags->Text("bin-dir", &bin_dir_, "DIR",
                "Where cloister-frontend, -executor and -launcher are.");
    flags->Text("policy", &policy_, "FILE", "The policy of the nodes: what tasks may do there.");
    flags->Repeated("executor-flag", &executor_flags_, "FLAG", "A further flag for each executor.");
    flags->Repeated("frontend-flag", &frontend_flags_, "FLAG", "A further flag for the frontend.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (expected.ok()) expected = NeedDirectory(*session, &directory_);
    if (!expected.ok()) return expected;
    absl::StatusOr<MachineFacts> machine = ReadMachineFacts();
    if (!machine.ok()) return machine.status();
    absl::Status checked = CheckMachine(*machine, cgroups_);
    if (!checked.ok()) return checked;
    absl::StatusOr<DevOptions> options = MakeOptions(*session);
    if (!options.ok()) return options.status();
    // Before gRPC makes threads: a Ctrl-C must be read, not suffered, or the cluster would be left
    // behind.
    absl::StatusOr<Interrupts> interrupts = Interrupts::Block();
    if (!interrupts.ok()) return interrupts.status();
    options->interrupt_fd = interrupts->get();
    DevCluster cluster(*options);
    return detach_ ? Detach(&cluster, *session) : Stay(&cluster, *interrupts, *session);
  }

 private:
  absl::StatusOr<DevOptions> MakeOptions(const Session& session) const {
    DevOptions options;
    absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory_);
    if (!layout.ok()) return layout.status();
    options.layout = *std::move(layout);
    absl::StatusOr<std::string> self = PathOfSelf();
    if (!self.ok()) return self.status();
    absl::StatusOr<DevBinaries> binaries = FindDevBinaries(bin_dir_, *self);
    if (!binaries.ok())
      return WithHint(binaries.status(), "bazel build //tools/cloister, or --bin-dir DIR");
    options.binaries = *std::move(binaries);
    options.nodes = static_cast<int>(nodes_.value_or(1));
    options.cgroups = cgroups_;
    options.executor_flags = executor_flags_;
    if (!policy_.empty()) {
      absl::StatusOr<std::string> policy = AbsolutePath(policy_);
      if (!policy.ok()) return policy.status();
      options.executor_flags.push_back(absl::StrCat("--policy=", *policy));
    }
    options.frontend_flags = frontend_flags_;
    for (const char* name : kPassedOn) {
      const char* value = session.environment(name);
      if (value != nullptr) options.environment.push_back(absl::StrCat(name, "=", value));
    }
    options.progress = [&session](absl::string_view line) { session.Note(line); };
    return options;
  }

  // A new cluster that does not come up is taken down again, so that a failed start leaves nothing.
  // One that ran already is left alone: it has tasks.
  absl::Status Start(DevCluster* cluster, const Session& session) {
    absl::Status started = cluster->Start(kStartPatience);
    const std::string& directory = cluster->layout().directory;
    if (!started.ok()) {
      if (cluster->found_running() == 0) (void)StopDevCluster(cluster->layout(), {});
      return WithHint(started, absl::StrCat("cat ", cluster->layout().log_directory, "/*"));
    }
    const int services = static_cast<int>(cluster->services().size());
    if (cluster->found_running() == services) {
      session.Note(absl::StrCat("the cluster in ", directory, " runs already"));
    } else {
      session.Note(absl::StrCat("ready: ", services - 1, services == 2 ? " node in " : " nodes in ",
                                directory));
    }
    if (cgroups_ == "none")
      session.Note("tasks are fenced, but memory, cpu and pids are not limited (--cgroups=none)");
    return Print(absl::StrCat("export CLOISTER_ADDR=", cluster->layout().address(), "\n"));
  }

  absl::StatusOr<int> Detach(DevCluster* cluster, const Session& session) {
    absl::Status started = Start(cluster, session);
    if (!started.ok()) return started;
    return 0;
  }

  absl::StatusOr<int> Stay(DevCluster* cluster, const Interrupts& interrupts,
                           const Session& session) {
    absl::Status started = Start(cluster, session);
    if (!started.ok()) return started;
    session.Note("Ctrl-C ends it with its tasks");
    while (absl::optional<DevCluster::EndedService> ended =
               cluster->AwaitEndOfAny(interrupts.get())) {
      session.Note(absl::StrCat(ended->name, " ", ended->how,
                                "; to start it again: cloister dev --dir ",
                                cluster->layout().directory, " --detach"));
    }
    DevStopOptions options;
    options.progress = [&session](absl::string_view line) { session.Note(line); };
    absl::StatusOr<bool> stopped = StopDevCluster(cluster->layout(), options);
    if (!stopped.ok()) return stopped.status();
    return 0;
  }

  std::string directory_;
  absl::optional<int64_t> nodes_;
  bool detach_ = false;
  std::string cgroups_ = "auto";
  std::string bin_dir_;
  std::string policy_;
  std::vector<std::string> executor_flags_;
  std::vector<std::string> frontend_flags_;
};

class DevStopVerb : public Verb {
 public:
  absl::string_view name() const override { return "dev stop"; }
  absl::string_view arguments() const override { return "--dir DIR [flags]"; }
  absl::string_view summary() const override { return "End a private cluster with its tasks"; }
  absl::string_view details() const override {
    return "Works whatever state the cluster is in, and is no error when there is none. What the "
           "services said stays in\n"
           "DIR/log.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Text("dir", &directory_, "DIR", "The directory that the cluster was started with.");
    flags->Duration("grace", &grace_,
                    "Most that a task gets from its stop signal to the kill. Default: 5s.");
    flags->Switch("when-stdin-ends", &when_stdin_ends_,
                  "Wait for the end of stdin first: of a pipe from the process whose cluster it "
                  "is, it comes however that process ends.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (expected.ok()) expected = NeedDirectory(*session, &directory_);
    if (!expected.ok()) return expected;
    absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory_);
    if (!layout.ok()) return layout.status();
    if (when_stdin_ends_) AwaitEndOfStdin();
    DevStopOptions options;
    if (grace_.has_value()) options.grace = *grace_;
    options.progress = [session](absl::string_view line) { session->Note(line); };
    absl::StatusOr<bool> stopped = StopDevCluster(*layout, options);
    if (!stopped.ok()) return stopped.status();
    session->Note(absl::StrCat(*stopped ? "ended the cluster in " : "no cluster runs in ",
                               layout->directory));
    return 0;
  }

 private:
  static void AwaitEndOfStdin() {
    char byte;
    ssize_t size;
    do {
      size = read(STDIN_FILENO, &byte, 1);
    } while (size > 0 || (size < 0 && errno == EINTR));
  }

  std::string directory_;
  absl::optional<absl::Duration> grace_;
  bool when_stdin_ends_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeDevVerb() { return std::make_unique<DevVerb>(); }
std::unique_ptr<Verb> MakeDevStopVerb() { return std::make_unique<DevStopVerb>(); }

}  // namespace cloister
