// What a cell costs: a file of one byte from a server on loopback, many times, one after the
// other. The overhead is what a fetch takes beyond the time that Fetch itself took in
// the cell, which a fetch without services takes as well. As root, with cgroups.
//
//   bazel run -c opt //tests/fetcher:fetch_overhead
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/artifact/artifact_source.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

constexpr int kRounds = 200;
constexpr char kReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";

void Print(const char* what, std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  std::printf("%-28s p50 %6.2f ms   p95 %6.2f ms   max %6.2f ms\n", what, ms[ms.size() / 2],
              ms[ms.size() * 95 / 100], ms.back());
}

class FetchOverhead : public FetcherFixture {
 protected:
  std::string Program() const override { return "services/fetcher/cloister-fetcher"; }
};

TEST_F(FetchOverhead, OfOneByte) {
  options().egress.allowed_networks = {*artifact::ParseCidr("127.0.0.0/8")};
  LineServer server(kReply, true);
  client();
  std::vector<double> whole;
  std::vector<double> inside;
  std::vector<double> beyond;
  for (int i = 0; i < kRounds; ++i) {
    artifact::FetchJob job;
    job.request.source =
        *artifact::ParseArtifactSource(absl::StrCat("http://127.0.0.1:", server.port(), "/a"), {});
    const absl::Time begin = absl::Now();
    const RunningFetch fetch = Begin(std::move(job));
    const absl::StatusOr<artifact::FetchReport> report = fetch.watch->Await();
    const absl::Duration took = absl::Now() - begin;
    ASSERT_TRUE(report.ok()) << report.status();
    whole.push_back(absl::ToDoubleMilliseconds(took));
    inside.push_back(absl::ToDoubleMilliseconds(report->times.total));
    beyond.push_back(absl::ToDoubleMilliseconds(took - report->times.total));
  }
  Print("whole fetch", whole);
  Print("Fetch in the cell", inside);
  Print("overhead", beyond);
}

}  // namespace
}  // namespace cloister
