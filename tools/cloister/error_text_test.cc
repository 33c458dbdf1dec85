#include "tools/cloister/error_text.h"

#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"

namespace cloister {
namespace {

TEST(ErrorText, IsOneSentenceAndTheNextThingToTry) {
  EXPECT_EQ(ErrorText(absl::UnavailableError("cannot reach a cluster at unix:/x"), "ps"),
            "cloister: cannot reach a cluster at unix:/x\n"
            "Try: cloister dev --dir DIR starts a cluster; --address or CLOISTER_ADDR says where "
            "one is\n");
  EXPECT_EQ(ErrorText(WithReason(absl::NotFoundError("no task x"), "TASK_UNKNOWN"), "wait"),
            "cloister: no task x\nTry: cloister ps --all\n");
  EXPECT_EQ(ErrorText(absl::InvalidArgumentError("unknown flag --x"), "run"),
            "cloister: unknown flag --x\nTry: cloister run --help\n");
}

TEST(ErrorText, HasNoAdviceWhereThereIsNone) {
  EXPECT_EQ(ErrorText(absl::InternalError("broken"), "run"), "cloister: broken\n");
}

TEST(ErrorText, ListsEveryViolation) {
  const absl::Status status =
      InvalidArgument({{"config.user", "no such user"}, {"config.name", "too long"}});
  EXPECT_EQ(ErrorText(status, "run"),
            "cloister: the request is wrong in 2 places\n"
            "  config.user: no such user\n"
            "  config.name: too long\n"
            "Try: cloister run --help\n");
}

TEST(ErrorText, ASingleViolationNeedsNoList) {
  EXPECT_EQ(ErrorText(InvalidArgument({{"config.user", "no such user"}}), "run"),
            "cloister: config.user: no such user\nTry: cloister run --help\n");
}

TEST(ErrorText, OwnAdviceComesFirst) {
  EXPECT_EQ(
      ErrorText(WithHint(absl::InvalidArgumentError("no address"), "export CLOISTER_ADDR=unix:/x"),
                "ps"),
      "cloister: no address\nTry: export CLOISTER_ADDR=unix:/x\n");
}

TEST(ErrorText, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(ErrorText(absl::InternalError("\x1b[2J"), ""), "cloister: \\x1b[2J\n");
}

}  // namespace
}  // namespace cloister
