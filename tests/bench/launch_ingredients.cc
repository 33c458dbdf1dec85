// What each wall of the fence costs a start, ingredient by ingredient: launches of the payload's
// plan, in turns with all of it and without one part, from the call until the payload's exec is
// told. Without services, cgroups and disk, which would hide it. A benchmark, never a test.
//
//   bazel run -c opt //tests/bench:launch_ingredients -- 2000
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/launch/launch.h"
#include "libs/launch/launch_site.h"
#include "libs/launch/launch_threads.h"
#include "libs/launch/report_message.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"
#include "libs/seccomp/program_cache.h"
#include "libs/state/tree_removal.h"
#include "tests/bench/payload_plan.h"

namespace cloister::bench {
namespace {

constexpr uint32_t kSomeIds = 1 << 30;
constexpr uint32_t kIdsOfTask = 65536;
constexpr char kInOneProgram[] = "in one program";

struct Variant {
  const char* name;
  void (*change)(internal::LaunchPlan* plan);
  std::vector<double> micros;
};

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

// A thread for tasks of one kind, which it launches one after the other: what it has taken on to
// launch those it can never put off again.
class Lane {
 public:
  Lane(launch::LaunchSite* site, const internal::LaunchPlan& usual)
      : site_(site), usual_(usual), thread_(&Lane::Serve, this) {
    thread_.detach();
  }

  void Run(const std::function<void(launch::LaunchThreads*)>& work) {
    absl::MutexLock lock(&mutex_);
    work_ = &work;
    mutex_.Await(absl::Condition(
        +[](Lane* lane) { return lane->work_ == nullptr; }, this));
  }

 private:
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
  absl::Mutex mutex_;
  const std::function<void(launch::LaunchThreads*)>* work_ = nullptr;
  std::thread thread_;
};

absl::StatusOr<double> Measure(launch::LaunchThreads* threads, const internal::LaunchPlan& plan,
                               const std::string& directory) {
  launch::LaunchJob job;
  job.task_id = "task";
  job.plan = plan;
  CLOISTER_ASSIGN_OR_RETURN(job.task_directory, OpenDirectory(directory));
  const absl::Time begin = absl::Now();
  launch::LaunchThreads::Result result = threads->LaunchHere(std::move(job));
  if (const auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
    return absl::InternalError(failure->ShortDebugString());
  }
  CLOISTER_ASSIGN_OR_RETURN(const absl::Time execed,
                            AwaitEnd(absl::get<launch::LaunchedTask>(result)));
  return absl::ToDoubleMicroseconds(execed - begin);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
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

void Print(const std::vector<Variant>& variants) {
  const double all = Median(variants[0].micros);
  for (const Variant& variant : variants) {
    const double median = Median(variant.micros);
    std::printf("%-24s p50 %7.1f us   less %6.1f us\n", variant.name, median, all - median);
  }
  std::fflush(stdout);
}

absl::Status Run(int rounds, const std::string& directory) {
  CLOISTER_ASSIGN_OR_RETURN(internal::LaunchPlan plan, MakePayloadPlan("unused"));
  // Both hang on a cgroup.
  plan.clear_cgroup();
  plan.clear_devices();
  CLOISTER_ASSIGN_OR_RETURN(std::unique_ptr<launch::LaunchSite> site,
                            launch::LaunchSite::Make({"bench", 0, 8, 0, 0}));
  seccomp::ProgramCache programs;
  CLOISTER_ASSIGN_OR_RETURN(const auto compiled, programs.Get(plan.seccomp_filter()));
  CLOISTER_RETURN_IF_ERROR(
      AddPrograms(*compiled, plan.seccomp_filter().hash(), &site->seccomp_programs()));
  std::vector<Variant> variants = {{"all", [](internal::LaunchPlan*) {}, {}},
                                   {"without seccomp", WithoutSeccomp, {}},
                                   {"without landlock", WithoutLandlock, {}},
                                   {"without masks", WithoutMasks, {}},
                                   {"without the three", WithoutAll, {}},
                                   {"without init", WithoutInit, {}},
                                   {"seccomp in one program", WithSeccompInOneProgram, {}},
                                   {"with ids of its own", WithOwnIds, {}}};
  // By the profile.
  std::map<std::string, std::unique_ptr<Lane>> lanes;
  for (int round = -10; round < rounds; ++round) {
    for (Variant& variant : variants) {
      internal::LaunchPlan changed = plan;
      variant.change(&changed);
      std::unique_ptr<Lane>& lane = lanes[launch::SeccompHash(changed)];
      if (lane == nullptr) lane = std::make_unique<Lane>(site.get(), changed);
      absl::StatusOr<double> micros;
      lane->Run(
          [&](launch::LaunchThreads* threads) { micros = Measure(threads, changed, directory); });
      CLOISTER_RETURN_IF_ERROR(micros.status());
      if (round >= 0) variant.micros.push_back(*micros);
    }
  }
  std::printf(
      "seccomp: %zu instructions, of which %zu are each task's; masks: %d; landlock rules: %d\n",
      compiled->whole.size() / 8, compiled->split.closing.size() / 8, plan.masks_size(),
      plan.landlock().rules_size());
  Print(variants);
  // Their threads never end.
  for (auto& lane : lanes) static_cast<void>(lane.second.release());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  int rounds = 1000;
  if (argc > 2 || (argc == 2 && (!absl::SimpleAtoi(argv[1], &rounds) || rounds < 1))) {
    std::fprintf(stderr, "launch_ingredients [ROUNDS]\n");
    return 2;
  }
  close_range(3, ~0U, 0);
  std::string directory = "/dev/shm/cloister-ingredients-XXXXXX";
  if (mkdtemp(&directory[0]) == nullptr) return 1;
  const absl::Status status = Run(rounds, directory);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  if (const auto opened = OpenDirectory(directory); opened.ok()) {
    state::RemoveContents(opened->get(), directory, "").IgnoreError();
    rmdir(directory.c_str());
  }
  // Launch threads never end.
  _exit(status.ok() ? 0 : 1);
}

}  // namespace
}  // namespace cloister::bench

int main(int argc, char** argv) { return cloister::bench::Main(argc, argv); }
