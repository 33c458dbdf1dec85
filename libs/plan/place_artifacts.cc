#include "libs/plan/place_artifacts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/lexical_path.h"

namespace cloister::plan {
namespace {

using internal::ArtifactPlan;
using internal::Mount;
using Artifacts = google::protobuf::RepeatedPtrField<ArtifactPlan>;

const ArtifactPlan& At(const Artifacts& artifacts, size_t i) {
  return artifacts.Get(static_cast<int>(i));
}

// The name of an entry at its place.
const std::string& NameOf(const ArtifactPlan& plan, const FetchedEntry& entry) {
  return plan.file_name().empty() ? entry.name : plan.file_name();
}

// Every task has it, and puts things of its own into it.
bool IsShared(absl::string_view home) {
  constexpr absl::string_view kShared[] = {"alloc", "alloc/data", "alloc/tmp", "local", "tmp"};
  return std::find(std::begin(kShared), std::end(kShared), home) != std::end(kShared);
}

bool HaveCommonName(const ArtifactPlan& a, const FetchedArtifact& in_a, const ArtifactPlan& b,
                    const FetchedArtifact& in_b) {
  for (const FetchedEntry& one : in_a.entries) {
    for (const FetchedEntry& other : in_b.entries) {
      if (NameOf(a, one) == NameOf(b, other)) return true;
    }
  }
  return false;
}

// Whether something of `a` is where `home` lies, or on the way to it.
bool Covers(const ArtifactPlan& a, const FetchedArtifact& in_a, absl::string_view home) {
  if (a.home() == home || !IsBeneath(home, a.home())) return false;
  return std::any_of(in_a.entries.begin(), in_a.entries.end(), [&](const FetchedEntry& entry) {
    return IsBeneath(home, absl::StrCat(a.home(), "/", NameOf(a, entry)));
  });
}

// One that it lies in is no matter here: Covers says whether they meet.
bool IsAlone(const Artifacts& artifacts, size_t index) {
  const std::string& home = At(artifacts, index).home();
  if (IsShared(home) || !At(artifacts, index).file_name().empty()) return false;
  for (size_t i = 0; i < static_cast<size_t>(artifacts.size()); ++i) {
    if (i != index && IsBeneath(At(artifacts, i).home(), home)) return false;
  }
  return true;
}

Mount Cached(const std::string& inside, const std::string& outside, uint64_t device,
             uint64_t inode) {
  Mount mount;
  mount.set_kind(Mount::KIND_CACHED);
  mount.set_inside(inside);
  mount.set_outside(outside);
  mount.set_device(device);
  mount.set_inode(inode);
  mount.set_read_only(true);
  return mount;
}

void AddMounts(const ArtifactPlan& plan, const FetchedArtifact& fetched, bool whole,
               std::vector<Mount>* mounts) {
  if (whole) {
    mounts->push_back(Cached(plan.directory(), fetched.outside, fetched.device, fetched.inode));
    mounts->back().set_mount_point(plan.home());
    return;
  }
  for (const FetchedEntry& entry : fetched.entries) {
    const std::string& name = NameOf(plan, entry);
    mounts->push_back(Cached(absl::StrCat(plan.directory(), "/", name),
                             absl::StrCat(fetched.outside, "/", entry.name), entry.device,
                             entry.inode));
    mounts->back().set_mount_point(absl::StrCat(plan.home(), "/", name));
  }
}

// Whether an entry, mounted by itself, would be none, or hide what the task has there.
bool HasEntryToCopy(const ArtifactPlan& plan, const FetchedArtifact& fetched) {
  return std::any_of(
      fetched.entries.begin(), fetched.entries.end(), [&](const FetchedEntry& entry) {
        return entry.is_link || IsShared(absl::StrCat(plan.home(), "/", NameOf(plan, entry)));
      });
}

std::vector<bool> MustBeCopied(const Artifacts& artifacts,
                               const std::vector<FetchedArtifact>& fetched) {
  std::vector<bool> copied(fetched.size());
  for (size_t i = 0; i < fetched.size(); ++i) {
    const ArtifactPlan& plan = At(artifacts, i);
    if (plan.chown() || plan.cache() == ArtifactPlan::CACHE_OFF || fetched[i].copy ||
        (!IsAlone(artifacts, i) && HasEntryToCopy(plan, fetched[i]))) {
      copied[i] = true;
    }
    for (size_t j = 0; j < fetched.size(); ++j) {
      const ArtifactPlan& other = At(artifacts, j);
      if (i == j) continue;
      // Both: mounted, the one that lies deeper would hide what the other has there.
      if (Covers(plan, fetched[i], other.home())) copied[i] = copied[j] = true;
      if (plan.home() == other.home() && HaveCommonName(plan, fetched[i], other, fetched[j])) {
        copied[i] = true;
      }
    }
  }
  return copied;
}

}  // namespace

bool IsInSecrets(absl::string_view directory) { return IsBeneath(directory, "/secrets"); }

ArtifactPlacement PlaceArtifacts(const Artifacts& artifacts,
                                 const std::vector<FetchedArtifact>& fetched) {
  std::vector<bool> copied = MustBeCopied(artifacts, fetched);
  std::vector<size_t> costs(fetched.size());
  size_t total = 0;
  for (size_t i = 0; i < fetched.size(); ++i) {
    if (copied[i] || IsInSecrets(At(artifacts, i).directory())) continue;
    costs[i] = IsAlone(artifacts, i) ? 1 : fetched[i].entries.size();
    total += costs[i];
  }
  while (total > kMaxCachedMounts) {
    const auto most = std::max_element(costs.begin(), costs.end());
    total -= *most;
    *most = 0;
    copied[static_cast<size_t>(most - costs.begin())] = true;
  }
  ArtifactPlacement placement;
  for (size_t i = 0; i < fetched.size(); ++i) {
    if (IsInSecrets(At(artifacts, i).directory())) {
      placement.secrets.push_back(i);
    } else if (copied[i]) {
      placement.copies.push_back(i);
    } else {
      AddMounts(At(artifacts, i), fetched[i], IsAlone(artifacts, i), &placement.mounts);
    }
  }
  // What lies deeper comes later: its mount point is in what is mounted before.
  std::stable_sort(placement.mounts.begin(), placement.mounts.end(),
                   [](const Mount& a, const Mount& b) {
                     return std::count(a.inside().begin(), a.inside().end(), '/') <
                            std::count(b.inside().begin(), b.inside().end(), '/');
                   });
  return placement;
}

}  // namespace cloister::plan
