#include "tests/fetcher/fetcher_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;

constexpr char kProbes[] = "tests/fetcher/probe_fetcher";

size_t CountDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::string StatusField(pid_t pid, const std::string& name) {
  const std::string text = TextOf(absl::StrCat("/proc/", pid, "/status"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, absl::StrCat(name, ":\t"))) return std::string(line);
  }
  return "";
}

std::map<std::string, std::string> RunningFetch::Found() const {
  std::map<std::string, std::string> found;
  const std::string text = TextOf(absl::StrCat(directory, "/found"));
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    found.insert(parts);
  }
  return found;
}

std::string FetcherFixture::Program() const { return kProbes; }

void FetcherFixture::SetUp() {
  const char* program = getenv("CLOISTER_TEST_FETCHER");
  options_.program = fs::absolute(program == nullptr ? Program() : program);
  const char* base = getenv("CLOISTER_TEST_DIRECTORY");
  directory_ = absl::StrCat(base == nullptr ? "/var/tmp" : base, "/cloister-fetch-XXXXXX");
  ASSERT_NE(mkdtemp(&directory_[0]), nullptr);
  options_.time_limit = absl::Minutes(2);
  options_.log = STDERR_FILENO;
  descriptors_before_ = absl::StrCat(CountDescriptors());
  if (getenv("CLOISTER_TEST_FETCHER") != nullptr) {
    options_.id_count = 0;
    return;
  }
  ASSERT_EQ(geteuid(), 0U) << "this test makes cells as root";
  absl::StatusOr<node::HostRoot> host = node::HostRoot::Open("/");
  ASSERT_THAT(host, IsOk());
  absl::StatusOr<node::CgroupFacts> facts = node::ReadCgroupFacts(*host);
  ASSERT_THAT(facts, IsOk());
  facts_ = *facts;
  parent_ = absl::StrCat("cloister-fetch-", getpid());
  ASSERT_THAT(cgroup::MakeParent(facts_, parent_), IsOk());
  cgroup::TaskLimits limits;
  limits.memory_bytes = 128 << 20;
  limits.pids = 64;
  absl::StatusOr<internal::CgroupPlan> plan = cgroup::PlaceTask(facts_, parent_, limits);
  ASSERT_THAT(plan, IsOk());
  options_.cgroup = *plan;
  options_.cgroup.mutable_granted()->set_memory_bytes(limits.memory_bytes);
}

void FetcherFixture::TearDown() {
  client_.reset();
  EXPECT_EQ(absl::StrCat(CountDescriptors()), descriptors_before_) << "descriptors are left";
  if (!parent_.empty()) {
    // This process sits in <parent>/supervisor: back to where it was.
    for (const node::CgroupHierarchy& hierarchy : facts_.hierarchies) {
      std::ofstream(absl::StrCat(hierarchy.mount_point, "/", hierarchy.own_path, "/cgroup.procs"))
          << getpid();
    }
    EXPECT_THAT(cgroup::RemoveParent(facts_, parent_, absl::Seconds(5)), IsOk());
  }
  std::error_code error;
  fs::remove_all(directory_, error);
}

artifact::FetcherClient& FetcherFixture::client() {
  if (client_ == nullptr) {
    auto started = artifact::FetcherClient::Start(options_);
    if (!started.ok()) {
      ADD_FAILURE() << started.status();
      std::abort();
    }
    client_ = *std::move(started);
  }
  return *client_;
}

artifact::FetchJob FetcherFixture::ProbeJob(const std::string& probe,
                                            const std::map<std::string, std::string>& arguments) {
  artifact::FetchJob job;
  job.request.source.url = absl::StrCat("https://probe.invalid/", probe);
  for (const auto& argument : arguments) job.request.headers.push_back(argument);
  return job;
}

RunningFetch FetcherFixture::Begin(artifact::FetchJob job) {
  RunningFetch fetch;
  fetch.directory = absl::StrCat(directory_, "/out-", next_output_++);
  EXPECT_EQ(mkdir(fetch.directory.c_str(), 0700), 0);
  job.output = OwnedFd(open(fetch.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  fetch.watch = std::make_shared<FetchWatch>();
  fetch.id = client().Fetch(std::move(job), fetch.watch);
  return fetch;
}

RunningFetch FetcherFixture::Probe(const std::string& probe,
                                   const std::map<std::string, std::string>& arguments) {
  return Begin(ProbeJob(probe, arguments));
}

std::vector<pid_t> FetcherFixture::Children() {
  const pid_t fetcher = client().fetcher_pid();
  std::istringstream text(TextOf(absl::StrCat("/proc/", fetcher, "/task/", fetcher, "/children")));
  return {std::istream_iterator<pid_t>(text), std::istream_iterator<pid_t>()};
}

pid_t FetcherFixture::ChildWith(const std::string& name) {
  for (pid_t child : Children()) {
    std::error_code error;
    if (fs::exists(absl::StrCat("/proc/", child, "/root/", name), error)) return child;
  }
  return 0;
}

}  // namespace cloister
