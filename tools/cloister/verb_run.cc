#include <unistd.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/random_id.h"
#include "tools/cloister/artifact_progress.h"
#include "tools/cloister/attached_run.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/exit_code.h"
#include "tools/cloister/interrupts.h"
#include "tools/cloister/job_files.h"
#include "tools/cloister/task_flags.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

std::string EndInWords(const v1::Task& task) {
  std::string words = EndingInWords(task.exit_result());
  if (task.has_start_time() && task.has_exit_time()) {
    absl::StrAppend(&words, " after ",
                    MeasuredInWords(ToTime(task.exit_time()) - ToTime(task.start_time())));
  }
  return words;
}

class RunVerb : public Verb {
 public:
  absl::string_view name() const override { return "run"; }
  absl::string_view arguments() const override { return "[flags] FILE | -- COMMAND [ARG...]"; }
  absl::string_view summary() const override {
    return "Run a job file or a command, fenced, and exit as it does";
  }
  absl::string_view details() const override {
    return "FILE is a job file, HCL or JSON (.hcl, .json, .nomad), or - for stdin; it says what "
           "the "
           "task is, and only\n"
           "flags that do not say so go with it.\n"
           "Streams the command's stdout and stderr to its own and exits with the command's code, "
           "128+N when signal N\n"
           "killed it, 125 when it could not be started. Ctrl-C stops the task, a second Ctrl-C "
           "kills it. When it has\n"
           "ended it is forgotten with its output, unless --keep says otherwise.\n";
  }
  int failure_code() const override { return kExitNotStarted; }

  void DeclareFlags(FlagSet* flags) override {
    task_.Declare(flags);
    job_.Declare(flags);
    flags->Switch("detach", &detach_,
                  "Print the task's id and return when it runs; implies --keep.", 'd');
    flags->Switch("keep", &keep_, "Keep the ended task with its output, for status and logs.");
    flags->Switch("rm", &rm_,
                  "Forget the task when it has ended; what happens anyway without --keep.");
    flags->Switch("verbose", &verbose_,
                  "On stderr, how fast it started, what fences it and how it ended.", 'v');
    flags->StopAtFirstArgument(&behind_dashes_);
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (arguments.empty()) {
      return WithHint(absl::InvalidArgumentError("FILE or COMMAND is missing"),
                      "cloister run job.hcl, or cloister run -- /bin/echo hello");
    }
    if (!behind_dashes_ && IsJobFile(arguments[0])) return RunFile(arguments, session);
    absl::Status fitting = job_.ExpectNone();
    if (!fitting.ok()) return fitting;
    absl::StatusOr<v1::TaskConfig> config = task_.MakeConfig(arguments, session->environment);
    if (!config.ok()) return config.status();
    return Start(*config, *session);
  }

 private:
  absl::StatusOr<int> RunFile(const std::vector<std::string>& arguments, Session* session) {
    absl::Status fitting = job_.ParseBehindFile(arguments, task_, this, session);
    if (!fitting.ok()) return fitting;
    absl::StatusOr<jobspec::JobFile> file = job_.Read(arguments[0]);
    if (!file.ok()) return file.status();
    if (verbose_ || file->diagnostics.HasErrors()) TellProblems(*file, verbose_, *session);
    if (file->diagnostics.HasErrors()) return kExitBadInput;
    absl::StatusOr<int> code = Start(file->config, *session);
    if (!code.ok() && TellViolations(code.status(), &*file, *session)) return kExitBadInput;
    return code;
  }

  absl::StatusOr<int> Start(const v1::TaskConfig& config, const Session& session) {
    if (rm_ && (detach_ || keep_)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--rm and --", detach_ ? "detach" : "keep", " do not go together"));
    }
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    request.set_node_id(task_.node());
    request.set_wait(v1::StartTaskRequest::WAIT_EXECED);
    *request.mutable_config() = config;
    return detach_ ? Detached(request, session) : Attached(request, session);
  }

  absl::StatusOr<int> Detached(const v1::StartTaskRequest& request, const Session& session) {
    absl::StatusOr<std::unique_ptr<Client>> client = session.Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<v1::Task> task = (*client)->StartTask(request);
    if (!task.ok()) return task.status();
    if (verbose_) NoteStart(*task, session);
    absl::Status printed = Print(absl::StrCat(task->id(), "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

  absl::StatusOr<int> Attached(const v1::StartTaskRequest& request, const Session& session) {
    absl::StatusOr<Interrupts> interrupts = Interrupts::Block();
    if (!interrupts.ok()) return interrupts.status();
    absl::StatusOr<std::unique_ptr<Client>> client = session.Connect();
    if (!client.ok()) return client.status();
    (*client)->OnLost([&](const absl::Status& status) {
      session.Note(absl::StrCat(status.message(), "; the task goes on, trying again"));
    });
    bool is_started = false;
    AttachedRun run(client->get(), &*interrupts,
                    [&](const std::string& line) { session.Note(line); });
    ArtifactProgress progress(session.err, [](const std::string& text) { std::cerr << text; });
    run.OnProgress(
        [&](const v1::Task& waiting) { progress.Show(waiting, absl::Now() - absl::UnixEpoch()); });
    absl::StatusOr<v1::Task> task = run.Follow(request, [&](const v1::Task& running) {
      is_started = true;
      if (verbose_) NoteStart(running, session);
    });
    if (!task.ok()) {
      if (!is_started) return task.status();
      // 125 would say that it never ran.
      session.Note(task.status().message());
      return kExitFailure;
    }
    const bool is_lost = task->state() == v1::TASK_STATE_LOST;
    if (verbose_ || is_lost || task->exit_result().has_start_failure())
      session.Note(EndInWords(*task));
    // One that is lost is kept: its output is all there is to find out why.
    if (!keep_ && !is_lost) Forget(**client, task->id(), session);
    const int code = ExitCodeOf(task->exit_result());
    // As `cat` on a full disk: what did not arrive is a failure, though not of the task's.
    return code == 0 && !run.output_is_complete() ? kExitFailure : code;
  }

  static void NoteStart(const v1::Task& task, const Session& session) {
    session.Note(absl::StrCat("task ", task.id(), " on ", task.node_id(), ", started in ",
                              StartInWords(task.start_phases())));
    session.Note(absl::StrCat("fenced by ", FenceInOneLine(task.fence())));
  }

  static void Forget(Client& client, const std::string& id, const Session& session) {
    v1::DestroyTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(id);
    request.set_allow_missing(true);
    absl::Status destroyed = client.DestroyTask(request);
    if (!destroyed.ok())
      session.Note(absl::StrCat("task ", id, " is not forgotten: ", destroyed.message()));
  }

  TaskFlags task_;
  JobFileFlags job_;
  bool behind_dashes_ = false;
  bool detach_ = false;
  bool keep_ = false;
  bool rm_ = false;
  bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeRunVerb() { return std::make_unique<RunVerb>(); }

}  // namespace cloister
