#include "tests/bench/launch_variants.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/launch/launch.h"
#include "libs/launch/launch_threads.h"
#include "libs/launch/report_message.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"
#include "libs/seccomp/program_cache.h"
#include "tests/bench/call_counter.h"
#include "tests/bench/payload_plan.h"

namespace cloister::bench {
namespace {

constexpr uint32_t kSomeIds = 1 << 30;
constexpr uint32_t kIdsOfTask = 65536;
constexpr char kInOneProgram[] = "in one program";

void WithoutSeccomp(internal::LaunchPlan* plan) {
  plan->clear_seccomp();
  plan->clear_seccomp_filter();
}
void WithSeccompInOneProgram(internal::LaunchPlan* plan) {
  plan->mutable_seccomp_filter()->set_hash(kInOneProgram);
}
void WithoutLandlock(internal::LaunchPlan* plan) { plan->clear_landlock(); }
void WithoutMasks(internal::LaunchPlan* plan) { plan->clear_masks(); }
void WithoutAll(internal::LaunchPlan* plan) {
  WithoutSeccomp(plan);
  WithoutLandlock(plan);
  WithoutMasks(plan);
}

void WithoutInit(internal::LaunchPlan* plan) { plan->mutable_exec()->set_without_init(true); }
// What no plan has by default: a user namespace and a range of ids, which are given out in turn.
void WithOwnIds(internal::LaunchPlan* plan) {
  static uint32_t first = kSomeIds;
  first += kIdsOfTask;
  internal::Identity* identity = plan->mutable_identity();
  internal::Identity::UserNamespace* space = identity->mutable_user_namespace();
  space->set_first(first);
  space->set_count(kIdsOfTask);
  space->set_outside_uid(first + identity->uid());
  space->set_outside_gid(first + identity->gid());
  plan->set_namespaces(plan->namespaces() | CLONE_NEWUSER);
}

// Reads the report socket until init is gone; the time at which it said EXECED, or, without an
// init, at which the exec closed the socket.
absl::StatusOr<absl::Time> AwaitEnd(const launch::LaunchedTask& task) {
  absl::Time execed = absl::InfiniteFuture();
  pollfd entry = {task.report.get(), POLLIN, 0};
  while (poll(&entry, 1, -1) > 0) {
    const absl::StatusOr<Packet> packet = ReceivePacket(task.report.get());
    if (!packet.ok()) {
      if (task.without_init) execed = absl::Now();
      break;
    }
    const auto* message = reinterpret_cast<const launch::ReportMessage*>(packet->bytes.data());
    if (message->kind == launch::kReportExeced) execed = absl::Now();
  }
  CLOISTER_RETURN_IF_ERROR(task.init.WaitAndReap().status());
  if (execed == absl::InfiniteFuture()) return absl::InternalError("the payload did not run");
  return execed;
}

// Under `hash` in two parts, and under kInOneProgram in one.
absl::Status AddPrograms(const seccomp::CompiledProfile& compiled, const std::string& hash,
                         launch::SeccompPrograms* programs) {
  internal::AddSeccompProgram add;
  add.set_hash(kInOneProgram);
  add.set_program(compiled.whole);
  CLOISTER_RETURN_IF_ERROR(programs->Add(add));
  add.set_hash(hash);
  add.set_inherited_program(compiled.split.inherited);
  add.set_closing_program(compiled.split.closing);
  return programs->Add(add);
}

absl::StatusOr<LaunchSample> Measure(launch::LaunchThreads* threads, const CallCounter* counter,
                                     launch::LaunchJob job) {
  LaunchSample sample;
  int64_t before = 0;
  if (counter != nullptr) {
    CLOISTER_ASSIGN_OR_RETURN(before, counter->Read());
  }
  const absl::Time begin = absl::Now();
  launch::LaunchThreads::Result result = threads->LaunchHere(std::move(job));
  if (const auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
    return absl::InternalError(failure->ShortDebugString());
  }
  CLOISTER_ASSIGN_OR_RETURN(const absl::Time execed,
                            AwaitEnd(absl::get<launch::LaunchedTask>(result)));
  sample.micros = absl::ToDoubleMicroseconds(execed - begin);
  if (counter != nullptr) {
    CLOISTER_ASSIGN_OR_RETURN(const int64_t after, counter->Read());
    sample.calls = after - before;
  }
  return sample;
}

}  // namespace

// A thread for tasks of one kind, which it launches one after the other: what it has taken on to
// launch those it can never put off again.
class VariantLauncher::Lane {
 public:
  Lane(launch::LaunchSite* site, const internal::LaunchPlan& usual)
      : site_(site), usual_(usual), thread_(&Lane::Serve, this) {
    thread_.detach();
  }

  absl::StatusOr<LaunchSample> Launch(launch::LaunchJob job, bool count_calls) {
    absl::StatusOr<LaunchSample> sample;
    if (count_calls && !counter_.ok()) {
      pid_t thread = 0;
      Run([&](launch::LaunchThreads*) { thread = gettid(); });
      CLOISTER_ASSIGN_OR_RETURN(CallCounter started, CallCounter::Start(thread));
      counter_ = std::move(started);
    }
    Run([&](launch::LaunchThreads* threads) {
      sample = Measure(threads, count_calls ? &*counter_ : nullptr, std::move(job));
    });
    return sample;
  }

 private:
  using Work = std::function<void(launch::LaunchThreads* threads)>;

  void Run(const Work& work) {
    absl::MutexLock lock(&mutex_);
    work_ = &work;
    mutex_.Await(absl::Condition(
        +[](Lane* lane) { return lane->work_ == nullptr; }, this));
  }

  void Serve() {
    // Its own threads are never asked.
    launch::LaunchThreads threads(site_, 1);
    threads.Prepare(usual_);
    for (;;) {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(
          +[](Lane* lane) { return lane->work_ != nullptr; }, this));
      (*work_)(&threads);
      work_ = nullptr;
    }
  }

  launch::LaunchSite* const site_;
  const internal::LaunchPlan usual_;
  absl::StatusOr<CallCounter> counter_;
  absl::Mutex mutex_;
  const Work* work_ = nullptr;
  std::thread thread_;
};

const std::vector<LaunchVariant>& LaunchVariants() {
  static const auto* const kVariants =
      new std::vector<LaunchVariant>{{"all", [](internal::LaunchPlan*) {}},
                                     {"without seccomp", WithoutSeccomp},
                                     {"without landlock", WithoutLandlock},
                                     {"without masks", WithoutMasks},
                                     {"without the three", WithoutAll},
                                     {"without init", WithoutInit},
                                     {"seccomp in one program", WithSeccompInOneProgram},
                                     {"with ids of its own", WithOwnIds}};
  return *kVariants;
}

absl::StatusOr<std::unique_ptr<VariantLauncher>> VariantLauncher::Make(
    const std::string& directory) {
  std::unique_ptr<VariantLauncher> made(new VariantLauncher());
  made->directory_ = directory;
  CLOISTER_ASSIGN_OR_RETURN(made->site_, launch::LaunchSite::Make({"bench", 0, 8, 0, 0}));
  CLOISTER_ASSIGN_OR_RETURN(made->plan_, MakePayloadPlan("unused"));
  // Both hang on a cgroup.
  made->plan_.clear_cgroup();
  made->plan_.clear_devices();
  seccomp::ProgramCache programs;
  CLOISTER_ASSIGN_OR_RETURN(const auto compiled, programs.Get(made->plan_.seccomp_filter()));
  CLOISTER_RETURN_IF_ERROR(AddPrograms(*compiled, made->plan_.seccomp_filter().hash(),
                                       &made->site_->seccomp_programs()));
  constexpr size_t kInstruction = 8;
  made->sizes_ =
      absl::StrCat("seccomp: ", compiled->whole.size() / kInstruction, " instructions, of which ",
                   compiled->split.closing.size() / kInstruction, " are each task's");
  return made;
}

std::string VariantLauncher::Describe() const {
  return absl::StrCat(sizes_, "; masks: ", plan_.masks_size(),
                      "; landlock rules: ", plan_.landlock().rules_size());
}

absl::StatusOr<LaunchSample> VariantLauncher::Launch(const LaunchVariant& variant) {
  return Launch(variant, false);
}

absl::StatusOr<LaunchSample> VariantLauncher::LaunchAndCount(const LaunchVariant& variant) {
  return Launch(variant, true);
}

absl::StatusOr<LaunchSample> VariantLauncher::Launch(const LaunchVariant& variant,
                                                     bool count_calls) {
  launch::LaunchJob job;
  job.task_id = "task";
  job.plan = plan_;
  variant.change(&job.plan);
  CLOISTER_ASSIGN_OR_RETURN(job.task_directory, OpenDirectory(directory_));
  Lane*& lane = lanes_[launch::SeccompHash(job.plan)];
  if (lane == nullptr) lane = new Lane(site_.get(), job.plan);
  return lane->Launch(std::move(job), count_calls);
}

}  // namespace cloister::bench
