// A fetch that is killed while it unpacks, copies or comes into the cache leaves nothing at the
// destination, and nothing half in the cache. The victim is this program itself, started again.
#include <fcntl.h>
#include <signal.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/artifact/cache.h"
#include "libs/artifact/copy_tree.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/tree_digest.h"
#include "libs/artifact/tree_walk.h"
#include "libs/artifact/unpack.h"
#include "libs/base/clock.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {
namespace {

constexpr int kFiles = 300;

OwnedFd MakeArchive() {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  for (int i = 0; i < kFiles; ++i)
    builder.File(absl::StrCat("d", i % 7, "/f", i),
                 std::string(2000, static_cast<char>('a' + i % 26)));
  return builder.Build();
}

// Unpacks into the cache and copies to the destination, as the executor does, beneath `place`.
void FetchOnce(const std::string& place) {
  const RealClock clock;
  auto cache = Cache::Open({place + "/cache", "boot", &clock});
  auto root = OpenDirectory(place + "/root");
  auto archive = OwnedFd(open((place + "/archive").c_str(), O_RDONLY | O_CLOEXEC));
  if (!cache.ok() || !root.ok()) std::abort();
  auto staging = (*cache)->Stage();
  if (!staging.ok()) std::abort();
  if (!Unpack(archive.get(), ArchiveFormat::kTar, *staging->OpenContent(), {}).ok()) std::abort();
  NewObject object;
  object.digests = {"sha256:1"};
  auto kept = (*cache)->Insert(*std::move(staging), object, "");
  if (!kept.ok()) std::abort();
  if (!CopyTree(kept->content.get(), root->get(), "local/app", {}).ok()) std::abort();
}

// How many entries there are below `path`: how far the victim has come.
size_t Entries(const ScratchDirectory& place, const std::string& path) {
  size_t entries = 0;
  // Directories vanish under the eyes: counted by the kernel, not walked by name twice.
  const OwnedFd fd = place.Open(path);
  class Counter final : public TreeVisitor {
   public:
    explicit Counter(size_t* count) : count_(count) {}
    absl::Status Visit(const WalkEntry& /*entry*/) override {
      ++*count_;
      return absl::OkStatus();
    }

   private:
    size_t* const count_;
  } counter(&entries);
  (void)WalkTree(fd.get(), {}, &counter);
  return entries;
}

TEST(InterruptedCopy, AKillAtAnyMomentLeavesNothingOrTheWhole) {
  for (size_t progress = 0; progress < 2 * kFiles + 60; progress += 80) {
    ScratchDirectory place;
    place.MakeDirectory("root/local");
    place.MakeDirectory("cache/objects", 0700);
    place.MakeDirectory("cache/staging", 0700);
    place.Write("archive", Bytes(MakeArchive().get()));
    const auto victim =
        Spawn({{"/proc/self/exe", "--victim", place.path()}, {}, {{0, 0}, {1, 1}, {2, 2}}, false});
    ASSERT_THAT(victim, IsOk());
    while (!victim->pidfd.HasEnded() &&
           Entries(place, "cache") + Entries(place, "root") < progress + 4) {
    }
    (void)victim->pidfd.Signal(SIGKILL);
    ASSERT_THAT(victim->pidfd.WaitAndReap(), IsOk());

    // The destination: not there, or whole.
    const RealClock clock;
    auto cache = Cache::Open({place.path() + "/cache", "boot", &clock});
    ASSERT_THAT(cache, IsOk());
    EXPECT_TRUE(place.List("cache/staging").empty());
    auto hit = (*cache)->Find({"", "sha256:1", ""}, "");
    if (hit) {
      EXPECT_THAT((*cache)->Check(hit->facts.id), IsOk());
    }
    if (!place.Exists("root/local/app")) continue;
    ASSERT_TRUE(hit.has_value());
    EXPECT_THAT(TreeDigest(place.Open("root/local/app").get()),
                IsOkAndHolds(hit->facts.tree_digest));
  }
}

}  // namespace
}  // namespace cloister::artifact

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--victim") {
    cloister::artifact::FetchOnce(argv[2]);
    return 0;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
