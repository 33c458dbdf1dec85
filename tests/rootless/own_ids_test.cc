// A user with a range of ids that is wide enough for tasks with ids of their own.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/leftovers.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using testing::IsEmpty;

class RootlessOwnIds : public RootlessTest {
 protected:
  void SetUp() override {
    if (access("/usr/bin/newuidmap", X_OK) != 0) {
      GTEST_SKIP() << "no newuidmap: tools/dev/setup installs uidmap";
    }
    RootlessTest::SetUp();
  }

  LocalClusterOptions Options() override {
    data_ = absl::StrCat(getenv("TEST_TMPDIR"), "/", RandomId().substr(0, 8));
    EXPECT_EQ(mkdir(data_.c_str(), 0755), 0);
    std::ofstream(data_ + "/note") << "read me\n";
    std::ofstream(data_ + "/own") << "secret\n";
    EXPECT_EQ(chmod((data_ + "/own").c_str(), 0600), 0);
    const std::string file = data_ + ".hcl";
    std::ofstream(file) << "host_volume \"data\" { path = \"" << data_ << "\" }\n"
                        << "allowed_mount_sources = [\"" << data_ << "\"]\n";
    LocalClusterOptions options = RootlessTest::Options();
    options.executor_flags.push_back(absl::StrCat("--policy=", file));
    return options;
  }

  v1::StartTaskRequest Own(const std::string& user, const std::string& script) {
    v1::StartTaskRequest request = Request({"/bin/sh", "-c", script});
    request.mutable_config()->set_user(user);
    request.mutable_config()->mutable_config()->set_userns("private");
    return request;
  }
  // Its ids are free again.
  std::string Run(const v1::StartTaskRequest& request) {
    const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_THAT(outcome, IsOk());
    if (!outcome.ok()) return "";
    EXPECT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
    return absl::StrCat(outcome->out, outcome->err);
  }

  static void MountData(bool read_only, v1::StartTaskRequest* request) {
    request->mutable_config()->add_volumes()->set_name("data");
    v1::VolumeMount* mount = request->mutable_config()->add_volume_mounts();
    mount->set_volume("data");
    mount->set_destination("/srv");
    mount->set_read_only(read_only);
  }
  void BindData(bool read_only, v1::StartTaskRequest* request) const {
    v1::TaskMount* mount = request->mutable_config()->mutable_config()->add_mounts();
    mount->set_type("bind");
    mount->set_source(data_);
    mount->set_destination("/srv");
    mount->set_read_only(read_only);
  }

  std::string data_;
};

TEST_F(RootlessOwnIds, ATaskIsRootOfThemAndNobodyOfTheUsers) {
  EXPECT_EQ(Run(Own("root",
                    "id -u; tr -s ' ' </proc/self/uid_map; echo x >/local/x; chown 33:44 /local/x;"
                    "stat -c %u:%g /local/x /secrets /usr")),
            "0\n 0 65536 65536\n33:44\n0:0\n65534:65534\n");
  EXPECT_EQ(Run(Own("1234:5678", "id -u; id -g; stat -c %u:%g /local /tmp")),
            "1234\n5678\n1234:5678\n1234:5678\n");
}

TEST_F(RootlessOwnIds, ThereAreAsManyAsTheRangeHasAndEachIsATasksUntilItIsDestroyed) {
  const absl::StatusOr<v1::Task> first =
      cluster().client().StartTask(Own("root", "mkdir -m 0 /local/a; exec sleep 1000"));
  const absl::StatusOr<v1::Task> second =
      cluster().client().StartTask(Own("1000:1000", "exec sleep 1000"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_NE(first->fence().first_user_id(), second->fence().first_user_id());
  const auto refusal = [&] {
    return GetReason(cluster().executor_client(1).StartTask(Own("root", "true")).status());
  };
  EXPECT_EQ(refusal(), "USER_IDS_EXHAUSTED");
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_EQ(refusal(), "USER_IDS_EXHAUSTED");
  EXPECT_THAT(cluster().Destroy(first->id()), IsOk());
  EXPECT_EQ(Run(Own("root", "echo ok")), "ok\n");
  EXPECT_THAT(cluster().Destroy(second->id()), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(RootlessOwnIds, InADirectoryOfTheNodeATaskIsAStrangerWhoReads) {
  for (const char* user : {"root", "1234:5678"}) {
    v1::StartTaskRequest request =
        Own(user,
            "cat /srv/note; stat -c %u /srv/note; exec 2>/dev/null; cat /srv/own || echo closed; "
            "echo x >/srv/x || echo read-only; chmod 777 /srv/own || echo not its own");
    v1::StartTaskRequest bound = request;
    bound.set_request_id(RandomId());
    MountData(true, &request);
    BindData(true, &bound);
    const std::string expected = "read me\n65534\nclosed\nread-only\nnot its own\n";
    EXPECT_EQ(Run(request), expected) << user;
    EXPECT_EQ(Run(bound), expected) << user;
  }
}

TEST_F(RootlessOwnIds, NoDirectoryOfTheNodeIsToBeWritten) {
  v1::StartTaskRequest request = Own("root", "true");
  MountData(false, &request);
  EXPECT_EQ(RefusalOf(request), "NEEDS_ROOT");
  v1::StartTaskRequest bound = Own("root", "true");
  BindData(false, &bound);
  EXPECT_EQ(RefusalOf(bound), "NEEDS_ROOT");
}

TEST_F(RootlessOwnIds, FilesOfAnEndedTaskAreReadAsItsUser) {
  const absl::StatusOr<TaskOutcome> outcome =
      cluster().Run(Own("root", "umask 077; echo mine >/local/f"));
  ASSERT_THAT(outcome, IsOk());
  v1::ReadFileRequest request;
  request.set_task_id(outcome->task.id());
  request.set_path("/local/f");
  std::string text;
  EXPECT_THAT(cluster().client().ReadFile(request,
                                          [&](absl::string_view piece) {
                                            absl::StrAppend(&text, piece);
                                            return absl::OkStatus();
                                          }),
              IsOk());
  EXPECT_EQ(text, "mine\n");
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  cloister::OrdinaryUserOptions options;
  options.id = 12347;
  options.first_subordinate = 800000;
  // Those of ordinary tasks, with our own, and two ranges.
  options.subordinates = 3 * 65536 - 1;
  const cloister::OrdinaryUser user(options);
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
