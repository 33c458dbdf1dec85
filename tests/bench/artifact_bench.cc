// What unpacking costs beside bsdtar on the same archive, and what a hit of the cache costs.
//
//   bazel run -c opt //tests/bench:artifact_bench -- --directory=/var/tmp
//
// Archives are made by bsdtar; both unpack each of them in turn, round after round, into a new
// directory on the same file system. bsdtar's time includes the start of its process; so does ours,
// of a program that does nothing else (unpack_program.cc). Medians are printed, never asserted.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/artifact/cache.h"
#include "libs/artifact/cache_object.h"
#include "libs/base/clock.h"
#include "libs/base/owned_fd.h"
#include "libs/os/spawn.h"

ABSL_FLAG(std::string, directory, "/var/tmp",
          "Where archives and trees lie; on the disk to measure.");
ABSL_FLAG(std::string, program, "tests/bench/unpack_program",
          "Unpacks for us; from where `bazel run` starts, if it is relative.");
ABSL_FLAG(int, rounds, 7, "Times that each archive is unpacked by each.");

namespace cloister {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Die(absl::string_view why) {
  std::fprintf(stderr, "artifact_bench: %s\n", std::string(why).c_str());
  std::exit(1);
}

void DieIfError(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

// Half of it compresses, half does not: as programs and their data do.
std::string Content(size_t size, std::mt19937_64* random) {
  std::string content(size, '\0');
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = (i / 4096) % 2 == 0 ? (*random)() : (i / 64) * 0x0101010101010101;
    content.replace(i, std::min<size_t>(8, size - i), reinterpret_cast<const char*>(&word),
                    std::min<size_t>(8, size - i));
  }
  return content;
}

void MakeTree(const fs::path& top, int files, size_t size) {
  std::mt19937_64 random(1);
  for (int i = 0; i < files; ++i) {
    const fs::path directory = top / absl::StrCat("d", i / 100);
    fs::create_directories(directory);
    std::ofstream(directory / absl::StrCat("f", i), std::ios::binary) << Content(size, &random);
  }
}

void RunProgram(const std::vector<std::string>& argv) {
  const auto process = Spawn({argv, {}, {{0, 0}, {1, 1}, {2, 2}}, false});
  DieIfError(process.status());
  const absl::StatusOr<int> ended = process->pidfd.WaitAndReap();
  DieIfError(ended.status());
  if (*ended != 0) Die(absl::StrCat(argv[0], " failed"));
}

absl::Duration Timed(const std::function<void()>& act) {
  const RealClock clock;
  const absl::Duration begin = clock.Monotonic();
  act();
  return clock.Monotonic() - begin;
}

absl::Duration Median(std::vector<absl::Duration> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void CompareUnpack(const fs::path& work, absl::string_view what, const std::string& ending) {
  const fs::path archive = work / absl::StrCat("archive.", ending);
  RunProgram(
      {"/usr/bin/bsdtar", "-a", "-cf", archive.string(), "-C", (work / "tree").string(), "."});
  std::vector<absl::Duration> ours;
  std::vector<absl::Duration> theirs;
  const auto once = [&](bool our) {
    const fs::path out = work / "out";
    fs::create_directories(out);
    const std::vector<std::string> argv =
        our ? std::vector<std::string>{absl::GetFlag(FLAGS_program), archive.string(), out.string()}
            : std::vector<std::string>{"/usr/bin/bsdtar", "-xf", archive.string(), "-C",
                                       out.string()};
    const absl::Duration time = Timed([&] { RunProgram(argv); });
    fs::remove_all(out);
    // What removing left to write does not fall to the next.
    sync();
    return time;
  };
  once(true);
  for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    // Who is first changes from round to round.
    if (i % 2 == 0) ours.push_back(once(true));
    theirs.push_back(once(false));
    if (i % 2 != 0) ours.push_back(once(true));
  }
  std::printf("| %s | %s | %.1f | %.1f | %.0f %% |\n", std::string(what).c_str(), ending.c_str(),
              absl::ToDoubleMilliseconds(Median(ours)), absl::ToDoubleMilliseconds(Median(theirs)),
              100 * absl::FDivDuration(Median(theirs), Median(ours)));
  std::fflush(stdout);
  fs::remove(archive);
}

void MeasureHit(const fs::path& work, absl::string_view what, int files, size_t size) {
  const RealClock clock;
  auto cache = artifact::Cache::Open({(work / "cache").string(), "boot", &clock});
  DieIfError(cache.status());
  auto staging = (*cache)->Stage();
  DieIfError(staging.status());
  MakeTree(work / "cache" / "staging" / staging->name() / "content", files, size);
  artifact::NewObject object;
  object.tenant = "bench";
  object.digests = {absl::StrCat("sha256:", what)};
  object.tree.bytes = static_cast<uint64_t>(files) * size;
  DieIfError((*cache)->Insert(*std::move(staging), object, "").status());
  std::vector<absl::Duration> times;
  for (int i = 0; i < 2000; ++i) {
    times.push_back(Timed([&] {
      if (!(*cache)->Find({"bench", object.digests[0], ""}, "task")) Die("a miss");
    }));
  }
  std::printf("| %s | %.1f | %.1f |\n", std::string(what).c_str(),
              absl::ToDoubleMicroseconds(Median(times)),
              absl::ToDoubleMicroseconds(*std::max_element(times.begin(), times.end())));
}

int Run() {
  std::string pattern = absl::GetFlag(FLAGS_directory) + "/artifact-bench-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) Die("no directory to work in");
  const fs::path work = pattern;
  std::printf("| tree | archive | ours, ms | bsdtar, ms | speed |\n|---|---|---|---|---|\n");
  MakeTree(work / "tree", 10000, 4096);
  for (const char* ending : {"tar", "tar.gz", "tar.zst", "zip"})
    CompareUnpack(work, "10000 files of 4 KiB", ending);
  fs::remove_all(work / "tree");
  MakeTree(work / "tree", 8, 16 << 20);
  for (const char* ending : {"tar", "tar.gz", "tar.zst"})
    CompareUnpack(work, "8 files of 16 MiB", ending);
  fs::remove_all(work / "tree");
  std::printf("\n| object | hit, median us | most |\n|---|---|---|\n");
  MeasureHit(work, "1 file of 1 MiB", 1, 1 << 20);
  MeasureHit(work, "10000 files of 100 KiB", 10000, 100 << 10);
  fs::remove_all(work);
  return 0;
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return cloister::Run();
}
