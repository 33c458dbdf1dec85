#include "tests/bench/comparison.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"
#include "tests/bench/cluster.h"
#include "tests/bench/command.h"
#include "tests/bench/leftovers.h"
#include "tests/bench/machine_facts.h"
#include "tests/bench/payload_plan.h"
#include "tests/bench/peers.h"
#include "tests/bench/private_mounts.h"
#include "tools/cloister/dev_binaries.h"
#include "tools/cloister/dev_layout.h"

namespace cloister::bench {
namespace {

constexpr absl::Duration kBackground = absl::Seconds(1);
// Before measuring: shows who does not work, and fills caches.
constexpr int kTrialStarts = 3;

// All that are missing at once, by name.
absl::Status CheckInstalled(const std::vector<std::string>& contenders) {
  constexpr struct {
    const char* program;
    const char* package;
  } kPeers[] = {{kBwrap, "bubblewrap"}, {kCrun, "crun"}, {kRunc, "runc"}};
  std::vector<std::string> missing;
  for (const auto& peer : kPeers) {
    const bool wanted =
        std::find(contenders.begin(), contenders.end(), peer.program) != contenders.end();
    if (!wanted || FindProgram(peer.program).ok()) continue;
    missing.push_back(absl::StrCat(peer.program, " (package ", peer.package, ")"));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("not installed: ", absl::StrJoin(missing, ", "),
                                          "; install it, or name the others in --only"));
}

class Run {
 public:
  Run(const ComparisonOptions& options, std::string directory, DevLayout layout)
      : options_(options),
        directory_(std::move(directory)),
        layout_(std::move(layout)),
        places_{directory_ + "/peers", directory_.substr(directory_.rfind('/') + 1)},
        rounds_(options.interrupt_fd) {}

  absl::StatusOr<Report> Measure();
  // Takes everything down; names the first thing that stays.
  absl::Status CleanUp();

 private:
  absl::StatusOr<std::unique_ptr<Contender>> MakePeer(const std::string& name) const;
  absl::Status MakePeers();
  absl::Status Scenario(int extra_mounts, Report* report);
  absl::Status MeasureAll(const Cluster* cluster, int extra_mounts, Report* report);
  bool Wants(const std::string& name) const;
  void Say(absl::string_view line) const {
    if (options_.progress) options_.progress(line);
  }

  const ComparisonOptions& options_;
  const std::string directory_;
  const DevLayout layout_;
  const PeerPlaces places_;
  Rounds rounds_;
  internal::LaunchPlan plan_;
  std::vector<std::unique_ptr<Contender>> peers_;
};

bool Run::Wants(const std::string& name) const {
  return std::find(options_.contenders.begin(), options_.contenders.end(), name) !=
         options_.contenders.end();
}

absl::StatusOr<std::unique_ptr<Contender>> Run::MakePeer(const std::string& name) const {
  if (name == kSpawn) return MakeBareSpawn(name, *plan_.exec().candidates().rbegin(), places_);
  if (name == kBwrap) return MakeBwrap(plan_, places_);
  if (name == kCrun || name == kRunc) return MakeOciRuntime(name, plan_, places_);
  // The static program is built beside this one.
  CLOISTER_ASSIGN_OR_RETURN(const std::string self, PathOfSelf());
  return MakeBareSpawn(name, self.substr(0, self.rfind('/')) + "/static_true", places_);
}

absl::Status Run::MakePeers() {
  if (mkdir(places_.directory.c_str(), 0755) != 0) return ErrnoStatus(errno, places_.directory);
  for (const std::string& name : options_.contenders) {
    if (name == kExecutor || name == kFrontend) continue;
    absl::StatusOr<std::unique_ptr<Contender>> peer = MakePeer(name);
    if (!peer.ok()) return peer.status();
    peers_.push_back(*std::move(peer));
  }
  return absl::OkStatus();
}

absl::StatusOr<Report> Run::Measure() {
  // First, as plans name the place where a hierarchy is mounted.
  CLOISTER_ASSIGN_OR_RETURN(const UnifiedHierarchyElsewhere unified,
                            UnifiedHierarchyElsewhere::Make(directory_ + "/cgroup2"));
  CLOISTER_ASSIGN_OR_RETURN(plan_, MakePayloadPlan(layout_.Node(1).cgroup_parent));
  CLOISTER_RETURN_IF_ERROR(MakePeers());
  Report report;
  report.contenders = options_.contenders;
  report.patterns = options_.patterns;
  report.extra_mounts = options_.extra_mounts;
  CLOISTER_ASSIGN_OR_RETURN(report.facts, ReadMachineFacts(options_.contenders, directory_));
  report.facts.emplace_back("timed",
                            "peers: the whole command; Cloister: StartTask(wait=ENDED), while "
                            "DestroyTask counts in starts/s and CPU");
  if (unified.moved()) {
    report.facts.emplace_back("note", "cgroup2 mounted elsewhere than crun looks: it refuses it");
  }
  for (const int extra_mounts : options_.extra_mounts) {
    CLOISTER_RETURN_IF_ERROR(Scenario(extra_mounts, &report));
  }
  return report;
}

absl::Status Run::Scenario(int extra_mounts, Report* report) {
  // Before the cluster starts: so its launchers are born on a machine with that many mounts.
  CLOISTER_ASSIGN_OR_RETURN(const ExtraMounts mounts,
                            ExtraMounts::Make(directory_ + "/mounts", extra_mounts));
  std::unique_ptr<Cluster> cluster;
  if (Wants(kExecutor) || Wants(kFrontend)) {
    Say("starting the cluster");
    CLOISTER_ASSIGN_OR_RETURN(cluster, Cluster::Start(layout_, options_.interrupt_fd));
    CLOISTER_RETURN_IF_ERROR(cluster->CheckPlan(plan_));
  }
  absl::Status status = MeasureAll(cluster.get(), extra_mounts, report);
  if (cluster != nullptr) status.Update(cluster->Stop());
  return status;
}

absl::Status Run::MeasureAll(const Cluster* cluster, int extra_mounts, Report* report) {
  std::vector<Contender*> contenders;
  for (const auto& peer : peers_) contenders.push_back(peer.get());
  std::vector<std::unique_ptr<Contender>> ours;
  if (Wants(kExecutor)) ours.push_back(cluster->ThroughExecutor());
  if (Wants(kFrontend)) ours.push_back(cluster->ThroughFrontend());
  for (const auto& our : ours) contenders.push_back(our.get());

  const Pattern trial = {"trial", "trial", 1, absl::ZeroDuration(), kTrialStarts, 0};
  CLOISTER_RETURN_IF_ERROR(rounds_.Run(contenders, trial, kTrialStarts).status());
  CLOISTER_RETURN_IF_ERROR(rounds_.MeasureBackground(kBackground));
  report->facts.emplace_back("background",
                             absl::StrCat(absl::StrFormat("%.1f %% of a processor busy, with ",
                                                          100 * rounds_.background()),
                                          extra_mounts, " extra mounts"));
  for (const Pattern& pattern : options_.patterns) {
    Say(absl::StrCat("measuring ", absl::StrJoin(options_.contenders, ", "), ": ", pattern.words,
                     ", ", extra_mounts, " extra mounts"));
    CLOISTER_ASSIGN_OR_RETURN(std::vector<Measurement> measured,
                              rounds_.Run(contenders, pattern, options_.iterations));
    for (Measurement& measurement : measured) {
      measurement.extra_mounts = extra_mounts;
      report->measurements.push_back(std::move(measurement));
    }
  }
  return absl::OkStatus();
}

absl::Status Run::CleanUp() {
  absl::Status status;
  for (const char* runtime : {kCrun, kRunc}) status.Update(DeleteLeftContainers(runtime, places_));
  RemoveCgroups(places_.id);
  absl::StatusOr<std::vector<std::string>> found =
      FindLeftovers(directory_, {places_.id, layout_.cgroup_parent});
  if (!found.ok()) return found.status();
  absl::StatusOr<OwnedFd> directory = OpenDirectory(directory_);
  if (!directory.ok()) return directory.status();
  status.Update(state::RemoveContents(directory->get(), directory_, ""));
  if (rmdir(directory_.c_str()) != 0) status.Update(ErrnoStatus(errno, directory_));
  if (!found->empty()) {
    status.Update(
        absl::InternalError(absl::StrCat("left behind:\n  ", absl::StrJoin(*found, "\n  "))));
  }
  return status;
}

}  // namespace

absl::StatusOr<Report> Compare(const ComparisonOptions& options) {
  CLOISTER_RETURN_IF_ERROR(CheckInstalled(options.contenders));
  std::string directory = options.base_directory + "/cloister-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return ErrnoStatus(errno, directory);
  absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory + "/cluster");
  if (!layout.ok()) return layout.status();
  Run run(options, directory, *std::move(layout));
  absl::StatusOr<Report> report = run.Measure();
  const absl::Status cleaned = run.CleanUp();
  if (report.ok() && !cleaned.ok()) return cleaned;
  return report;
}

}  // namespace cloister::bench
