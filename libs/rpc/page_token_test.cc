#include "libs/rpc/page_token.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cloister/v1/task_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

std::string FieldOf(const absl::Status& status) {
  const auto violations = GetFieldViolations(status);
  return violations.size() == 1 ? violations[0].field : "";
}

TEST(PageToken, GivesBackWhereThePageEnded) {
  const std::string key("id\0node", 7);
  const std::string token = MakePageToken(key, "query", "client/alice");
  EXPECT_THAT(ParsePageToken(token, "query", "client/alice"), IsOkAndHolds(key));
}

TEST(PageToken, AsksForTheFirstPageWhenEmpty) {
  EXPECT_THAT(ParsePageToken("", "query", "client/alice"), IsOkAndHolds(""));
}

TEST(PageToken, IsRefusedForAnotherQueryOrPrincipal) {
  const std::string token = MakePageToken("key", "query", "client/alice");
  for (const auto& parsed : {ParsePageToken(token, "other", "client/alice"),
                             ParsePageToken(token, "query", "client/bob")}) {
    EXPECT_THAT(parsed, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another list")));
    EXPECT_EQ(FieldOf(parsed.status()), "page_token");
  }
}

TEST(PageToken, IsRefusedWhenItIsNone) {
  for (const std::string& text :
       {std::string("x"), std::string("???"), std::string("AAAAAAAAAAAAAAAA"),
        MakePageToken("", "query", "client/alice"), std::string(100000, 'A')}) {
    EXPECT_THAT(ParsePageToken(text, "query", "client/alice"),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text.substr(0, 40);
  }
}

TEST(PageToken, TakesOnlyPageSizeAndTokenOutOfAQuery) {
  v1::ListTasksRequest first;
  first.set_page_size(10);
  first.set_node_id("n1");
  v1::ListTasksRequest second = first;
  second.set_page_size(20);
  second.set_page_token("token");
  EXPECT_EQ(PageQuery(first), PageQuery(second));
  second.add_states(v1::TASK_STATE_RUNNING);
  EXPECT_NE(PageQuery(first), PageQuery(second));
  EXPECT_NE(PageQuery(v1::ListTasksRequest()), PageQuery(v1::WatchTasksRequest()));
}

TEST(PageSize, HasADefaultAndAMaximum) {
  EXPECT_THAT(PageSize(0), IsOkAndHolds(100u));
  EXPECT_THAT(PageSize(7), IsOkAndHolds(7u));
  EXPECT_THAT(PageSize(5000), IsOkAndHolds(1000u));
  EXPECT_EQ(FieldOf(PageSize(-1).status()), "page_size");
}

}  // namespace
}  // namespace cloister::rpc
