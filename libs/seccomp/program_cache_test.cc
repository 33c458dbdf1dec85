#include "libs/seccomp/program_cache.h"

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/seccomp/profile.h"

namespace cloister::seccomp {
namespace {

internal::SeccompFilter Named(uint64_t capabilities) {
  internal::SeccompFilter filter;
  filter.set_profile(kDefaultProfile);
  filter.set_capabilities(capabilities);
  filter.set_hash(ProfileHash(MakeDefaultProfile(capabilities, false)));
  return filter;
}

TEST(ProgramCache, CompilesEachProfileOnce) {
  ProgramCache cache;
  const auto first = cache.Get(Named(0));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*cache.Get(Named(0)), *first) << "the same object";
  const auto other = cache.Get(Named(CapabilitiesThatCount()));
  ASSERT_THAT(other, IsOk());
  EXPECT_NE((*other)->whole, (*first)->whole);
  EXPECT_NE((*other)->split.closing, (*first)->split.closing);
}

TEST(ProgramCache, RefusesAProfileOfAnotherVersion) {
  ProgramCache cache;
  internal::SeccompFilter filter = Named(0);
  filter.set_hash("00");
  EXPECT_THAT(cache.Get(filter), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(cache.Get(filter), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace cloister::seccomp
