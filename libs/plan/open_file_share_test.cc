#include "libs/plan/open_file_share.h"

#include <gtest/gtest.h>

#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

constexpr uint64_t kMib = 1 << 20;
constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

class ShareOpenFilesTest : public testing::Test {
 protected:
  uint64_t PerProcess(uint64_t pids, uint64_t memory_mib) {
    internal::CgroupPlan cgroup;
    cgroup.mutable_granted()->set_pids(pids);
    cgroup.mutable_granted()->set_memory_bytes(memory_mib * kMib);
    return ShareOpenFiles(facts_, cgroup).per_process;
  }
  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
};

TEST_F(ShareOpenFilesTest, IsNoBoundWhereFileMaxWasLifted) {
  facts_.max_open_files = INT64_MAX;
  EXPECT_EQ(PerProcess(1024, 300), kNone);
  EXPECT_EQ(PerProcess(4194304, 0), kNone);
  EXPECT_EQ(ShareOpenFiles(facts_, {}).per_process, kNone);
  EXPECT_EQ(ShareOpenFiles(facts_, {}).why, "");
}

TEST_F(ShareOpenFilesTest, IsHalfForAllProcessesTogether) {
  facts_.max_open_files = 2466126;
  EXPECT_EQ(PerProcess(1024, 300), 1204u);
  EXPECT_EQ(PerProcess(16, 300), 77066u);
  // No limit of memory.
  EXPECT_EQ(PerProcess(16, 0), 77066u);
}

TEST_F(ShareOpenFilesTest, IsNeverLessThanProgramsCountOn) {
  facts_.max_open_files = 134000;
  EXPECT_EQ(PerProcess(96, 64), 1024u);
  facts_.max_open_files = 0;
  EXPECT_EQ(PerProcess(96, 64), 1024u);
}

TEST_F(ShareOpenFilesTest, IsNoBoundWhereMemoryIsOne) {
  facts_.max_open_files = 2466126;
  EXPECT_EQ(PerProcess(1024, 225), kNone);
  EXPECT_NE(PerProcess(1024, 226), kNone);
}

TEST_F(ShareOpenFilesTest, IsHalfForEachProcessWithoutLimits) {
  facts_.max_open_files = 134000;
  const OpenFileShare share = ShareOpenFiles(facts_, {});
  EXPECT_EQ(share.per_process, 67000u);
  EXPECT_EQ(share.why, "half of this machine's 134000 (fs.file-max)");
}

TEST_F(ShareOpenFilesTest, SaysWhatItComesFrom) {
  facts_.max_open_files = 2466126;
  internal::CgroupPlan cgroup;
  cgroup.mutable_granted()->set_pids(1024);
  EXPECT_EQ(ShareOpenFiles(facts_, cgroup).why,
            "half of this machine's 2466126 (fs.file-max) over 1024 processes (resources.pids), as "
            "resources.memory has room for more");
}

}  // namespace
}  // namespace cloister::plan
