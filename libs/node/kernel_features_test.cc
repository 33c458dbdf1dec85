#include "libs/node/kernel_features.h"

#include <errno.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::StartsWith;

TEST(KernelFeatures, EachThatALaunchNeedsIsTried) {
  const std::vector<KernelFeature> features = TryKernelFeatures();
  for (const char* name : {"clone3", "openat2", "pidfd_open", "pidfd_send_signal", "close_range",
                           "open_tree", "move_mount", "mount_setattr"}) {
    EXPECT_THAT(features, Contains(Field(&KernelFeature::name, name)));
  }
}

// Any kernel that this is tested on is new enough; what needs privileges may still be refused.
TEST(KernelFeatures, ThisKernelHasThem) {
  for (const KernelFeature& feature : TryKernelFeatures()) {
    EXPECT_TRUE(feature.error_number == 0 || feature.error_number == EPERM)
        << feature.name << " " << feature.error_number;
  }
}

TEST(CheckKernelFeatures, IsContentWithANodeThatHasAll) {
  EXPECT_THAT(CheckKernelFeatures({{"openat2", 0}, {"clone3", 0}}), IsOk());
}

TEST(CheckKernelFeatures, IsContentWithoutThoseThatThereIsAnotherWayFor) {
  const std::vector<KernelFeature> none = {{"clone3", ENOSYS},    {"close_range", ENOSYS},
                                           {"open_tree", ENOSYS}, {"move_mount", ENOSYS},
                                           {"openat2", 0},        {"mount_setattr", ENOSYS}};
  EXPECT_THAT(CheckKernelFeatures(none), IsOk());
  EXPECT_TRUE(LacksMountCalls(none));
  EXPECT_FALSE(LacksMountCalls({{"clone3", ENOSYS}, {"close_range", ENOSYS}}));
}

TEST(CheckKernelFeatures, NamesEachThatIsMissingAndWhy) {
  EXPECT_THAT(CheckKernelFeatures({{"openat2", ENOSYS}, {"clone3", 0}, {"move_mount", EPERM}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       StartsWith("this node cannot run tasks: openat2: function not implemented; "
                                  "move_mount: operation not permitted. Linux 6.1")));
}

}  // namespace
}  // namespace cloister::node
