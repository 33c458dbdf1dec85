// A FetcherClient with a fetcher of its own, for each test: with cgroups as root, without as
// somebody else.
#ifndef CLOISTER_TESTS_FETCHER_FETCHER_FIXTURE_H_
#define CLOISTER_TESTS_FETCHER_FETCHER_FIXTURE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "libs/artifact/fetcher_client.h"
#include "libs/node/cgroup_facts.h"

namespace cloister {

// Of one fetch: what its listener heard.
class FetchWatch : public artifact::FetchListener {
 public:
  void OnPhase(artifact::FetchObserver::Phase phase) override {
    if (!phase_.HasBeenNotified()) phase_.Notify();
    static_cast<void>(phase);
  }
  void OnDone(const absl::StatusOr<artifact::FetchReport>& report) override {
    report_ = report;
    done_.Notify();
  }

  void AwaitPhase() { phase_.WaitForNotification(); }
  const absl::StatusOr<artifact::FetchReport>& Await() {
    done_.WaitForNotification();
    return report_;
  }

 private:
  absl::Notification phase_;
  absl::Notification done_;
  absl::StatusOr<artifact::FetchReport> report_ = artifact::FetchReport();
};

struct RunningFetch {
  uint64_t id = 0;
  std::shared_ptr<FetchWatch> watch;
  // Its output directory.
  std::string directory;

  // Lines "NAME=VALUE" of what a probe has found.
  std::map<std::string, std::string> Found() const;
};

class FetcherFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Relative to the runfiles.
  virtual std::string Program() const;

  // Where the test works and cells have their directories.
  const std::string& directory() const { return directory_; }
  // To be changed before the first fetch.
  artifact::FetcherOptions& options() { return options_; }
  artifact::FetcherClient& client();
  // Ends it; the next use starts another.
  void StopClient() { client_.reset(); }

  artifact::FetchJob ProbeJob(const std::string& probe,
                              const std::map<std::string, std::string>& arguments);
  RunningFetch Begin(artifact::FetchJob job);
  RunningFetch Probe(const std::string& probe,
                     const std::map<std::string, std::string>& arguments = {});

  // Live children of the fetcher, cells and brokers.
  std::vector<pid_t> Children();
  // The one of them that has this directory in its root; 0: none.
  pid_t ChildWith(const std::string& name);
  bool HasCgroups() const { return !options_.cgroup.hierarchies().empty(); }

 private:
  std::string directory_;
  std::string parent_;
  node::CgroupFacts facts_;
  artifact::FetcherOptions options_;
  std::unique_ptr<artifact::FetcherClient> client_;
  int next_output_ = 0;
  std::string descriptors_before_;
};

// The whole of a file, empty if it cannot be read.
std::string TextOf(const std::string& path);
// The value of a line "NAME:\tVALUE" of /proc/PID/status.
std::string StatusField(pid_t pid, const std::string& name);

}  // namespace cloister

#endif  // CLOISTER_TESTS_FETCHER_FETCHER_FIXTURE_H_
