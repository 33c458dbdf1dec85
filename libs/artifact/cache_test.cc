#include "libs/artifact/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CacheTest : public testing::Test {
 protected:
  CacheTest() { Reopen(); }

  void Reopen(const std::string& boot_id = "boot-1") {
    cache_.reset();
    auto cache = Cache::Open({place_.path() + "/artifacts", boot_id, &clock_});
    ASSERT_THAT(cache, IsOk());
    cache_ = *std::move(cache);
  }

  static NewObject Object(const std::string& tenant, const std::string& digest,
                          uint64_t bytes = 1) {
    NewObject object;
    object.tenant = tenant;
    object.digests = {"sha256:" + digest, "md5:" + digest};
    object.form = "raw";
    object.tree.bytes = bytes;
    return object;
  }

  std::string Add(const NewObject& object, const std::string& content = "x",
                  absl::string_view holder = "") {
    auto staging = cache_->Stage();
    EXPECT_THAT(staging, IsOk());
    const OwnedFd file(openat(*staging->OpenContent(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    EXPECT_EQ(write(file.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    const auto inserted = cache_->Insert(*std::move(staging), object, holder);
    EXPECT_THAT(inserted, IsOk());
    return inserted.ok() ? inserted->facts.id : "";
  }

  bool Hit(const std::string& tenant, const std::string& digest) {
    return cache_->Find({tenant, digest, "raw"}, "").has_value();
  }

  std::string PathOf(const std::string& id) { return "artifacts/objects/" + id; }

  ScratchDirectory place_;
  FakeClock clock_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheTest, WhatIsInsertedIsFoundByEachDigest) {
  EXPECT_FALSE(Hit("a", "sha256:1"));
  const std::string id = Add(Object("a", "1"));
  EXPECT_TRUE(Hit("a", "sha256:1"));
  EXPECT_TRUE(Hit("a", "md5:1"));
  EXPECT_FALSE(cache_->Find({"a", "sha256:1", "zip"}, "").has_value());
  EXPECT_EQ(place_.Read(PathOf(id) + "/content/f"), "x");
  EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty());
}

TEST_F(CacheTest, TenantsSeeTheirOwnAndThePublic) {
  Add(Object("a", "1"));
  EXPECT_FALSE(Hit("b", "sha256:1"));
  NewObject shared = Object("a", "2");
  shared.is_public = true;
  Add(shared);
  EXPECT_TRUE(Hit("b", "sha256:2"));
  // Two contents with one MD5 are made in a moment.
  EXPECT_FALSE(Hit("b", "md5:2"));
}

TEST_F(CacheTest, ATenantIsNoPrefixOfAnother) {
  Add(Object("a", "1"));
  EXPECT_FALSE(cache_->Find({"", "sha256:1", "raw"}, "").has_value());
  EXPECT_NE(ObjectId("a", false, "bc", "d"), ObjectId("ab", false, "c", "d"));
  EXPECT_NE(ObjectId("", false, "b", "d"), ObjectId("", true, "b", "d"));
}

TEST_F(CacheTest, ASecondInsertGivesTheFirst) {
  const std::string id = Add(Object("a", "1"), "first");
  EXPECT_EQ(Add(Object("a", "1"), "second"), id);
  EXPECT_EQ(place_.Read(PathOf(id) + "/content/f"), "first");
  EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty());
  EXPECT_THAT(cache_->List(), SizeIs(1));
}

TEST_F(CacheTest, WhatIsStagedAndNotInsertedIsRemoved) {
  { EXPECT_THAT(cache_->Stage(), IsOk()); }
  EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty());
}

TEST_F(CacheTest, ItSurvivesARestartAndStagingDoesNot) {
  const std::string id = Add(Object("a", "1"));
  place_.Write("artifacts/staging/half/content/f", "half");
  Reopen();
  EXPECT_TRUE(Hit("a", "sha256:1"));
  EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty());
  EXPECT_EQ(cache_->List()[0].id, id);
}

TEST_F(CacheTest, WhatHasNoWholeRecordIsDropped) {
  const std::string id = Add(Object("a", "1"));
  place_.Write(PathOf(id) + "/record", "garbage");
  const std::string other = Add(Object("a", "2"));
  std::filesystem::rename(place_.path() + "/" + PathOf(other),
                          place_.path() + "/artifacts/objects/another");
  Reopen();
  EXPECT_THAT(cache_->List(), IsEmpty());
  EXPECT_THAT(place_.List("artifacts/objects"), IsEmpty());
}

TEST_F(CacheTest, AnotherDirectoryInItsPlaceIsAMiss) {
  const std::string id = Add(Object("a", "1"));
  place_.Write(PathOf(id) + "/content/added", "");
  EXPECT_FALSE(Hit("a", "sha256:1"));
  EXPECT_THAT(cache_->List(), IsEmpty());
}

TEST_F(CacheTest, ACheckFindsAChangedByteAndDropsTheObject) {
  const std::string id = Add(Object("a", "1"));
  EXPECT_THAT(cache_->Check(id), IsOk());
  place_.Write(PathOf(id) + "/content/f", "y");
  EXPECT_THAT(cache_->Check(id), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(Hit("a", "sha256:1"));
  EXPECT_FALSE(place_.Exists(PathOf(id)));
}

TEST_F(CacheTest, AfterARebootContentIsReadBeforeItsFirstHit) {
  const std::string whole = Add(Object("a", "1"));
  const std::string torn = Add(Object("a", "2"));
  place_.Write(PathOf(torn) + "/content/f", "");
  Reopen("boot-2");
  EXPECT_TRUE(Hit("a", "sha256:1"));
  EXPECT_FALSE(Hit("a", "sha256:2"));
  // It is not read again: what is changed now shows in a Check only.
  Reopen("boot-2");
  place_.Write(PathOf(whole) + "/content/f", "y");
  EXPECT_TRUE(Hit("a", "sha256:1"));
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoFirstAndTheHeldStay) {
  const std::string a = Add(Object("t", "1", 10));
  clock_.Advance(absl::Seconds(1));
  const std::string b = Add(Object("t", "2", 10), "x", "task");
  clock_.Advance(absl::Seconds(1));
  const std::string c = Add(Object("t", "3", 10));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Hit("t", "sha256:1"));
  auto report = cache_->Evict({20, absl::InfiniteDuration()});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->objects, 1u);
  EXPECT_EQ(report->bytes, 10u);
  EXPECT_FALSE(place_.Exists(PathOf(c)));
  report = cache_->Prune();
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(place_.Exists(PathOf(a)));
  EXPECT_TRUE(place_.Exists(PathOf(b)));
  cache_->Unref(b, "task");
  EXPECT_THAT(cache_->Prune(), IsOk());
  EXPECT_THAT(cache_->List(), IsEmpty());
  EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty());
}

TEST_F(CacheTest, WhatIsTooOldGoes) {
  Add(Object("t", "1"));
  clock_.Advance(absl::Hours(2));
  Add(Object("t", "2"));
  ASSERT_THAT(cache_->Evict({1000, absl::Hours(1)}), IsOk());
  ASSERT_THAT(cache_->List(), SizeIs(1));
  EXPECT_THAT(cache_->List()[0].digests, testing::Contains("sha256:2"));
}

TEST_F(CacheTest, AHolderHoldsOnce) {
  const std::string id = Add(Object("t", "1"), "x", "task");
  EXPECT_THAT(cache_->Ref(id, "task"), IsOk());
  EXPECT_TRUE(cache_->Find({"t", "sha256:1", "raw"}, "other").has_value());
  EXPECT_THAT(cache_->List()[0].holders, ElementsAre("other", "task"));
  cache_->Unref(id, "task");
  EXPECT_THAT(cache_->List()[0].holders, ElementsAre("other"));
  EXPECT_THAT(cache_->Ref("unknown", "task"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CacheTest, WhereItCameFromIsRememberedPerTenant) {
  const std::string id = Add(Object("t", "1"));
  ASSERT_THAT(cache_->NoteSource(id, "t", "url", {"\"v1\"", "", absl::UnixEpoch()}), IsOk());
  ASSERT_THAT(cache_->NoteSource(id, "t", "url", {"\"v2\"", "Mon", absl::UnixEpoch()}), IsOk());
  Reopen();
  const auto hit = cache_->FindBySource("t", "url", "");
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->object.facts.id, id);
  EXPECT_EQ(hit->validator.etag, "\"v2\"");
  EXPECT_FALSE(cache_->FindBySource("u", "url", "").has_value());
  EXPECT_FALSE(cache_->FindBySource("t", "other", "").has_value());
  for (int i = 0; i < 20; ++i)
    ASSERT_THAT(cache_->NoteSource(id, "t", absl::StrCat("url-", i), {}), IsOk());
  EXPECT_FALSE(cache_->FindBySource("t", "url", "").has_value());
  EXPECT_TRUE(cache_->FindBySource("t", "url-19", "").has_value());
}

TEST_F(CacheTest, ThreadsInsertFindAndEvictAtOnce) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 25; ++i) {
        const std::string holder = absl::StrCat(thread);
        const std::string id = Add(Object("t", absl::StrCat(i % 5)), "x", holder);
        EXPECT_TRUE(cache_->Find({"t", absl::StrCat("sha256:", i % 5), "raw"}, holder).has_value());
        cache_->Unref(id, holder);
        EXPECT_THAT(cache_->Prune(), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(cache_->Prune(), IsOk());
  EXPECT_THAT(place_.List("artifacts"), SizeIs(2));
}

}  // namespace
}  // namespace cloister::artifact
