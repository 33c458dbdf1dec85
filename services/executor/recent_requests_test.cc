#include "services/executor/recent_requests.h"

#include "gtest/gtest.h"

namespace cloister::executor {
namespace {

using Answer = RecentRequests::Answer;

TEST(RecentRequests, WhatWasCarriedOutIsRepeated) {
  RecentRequests recent(10);
  EXPECT_EQ(recent.Ask("uid:1", "r", "body"), Answer::kNew);
  recent.Remember("uid:1", "r", "body");
  EXPECT_EQ(recent.Ask("uid:1", "r", "body"), Answer::kRepeated);
}

TEST(RecentRequests, AnotherBodyIsReuse) {
  RecentRequests recent(10);
  recent.Remember("uid:1", "r", "body");
  EXPECT_EQ(recent.Ask("uid:1", "r", "other"), Answer::kReused);
}

TEST(RecentRequests, AnotherCallersIdIsAnother) {
  RecentRequests recent(10);
  recent.Remember("uid:1", "r", "body");
  EXPECT_EQ(recent.Ask("uid:2", "r", "body"), Answer::kNew);
}

TEST(RecentRequests, TheOldestAreForgottenFirst) {
  RecentRequests recent(2);
  for (const char* id : {"a", "b", "b", "c"}) recent.Remember("uid:1", id, "body");
  EXPECT_EQ(recent.Ask("uid:1", "a", "body"), Answer::kNew);
  EXPECT_EQ(recent.Ask("uid:1", "b", "body"), Answer::kRepeated);
  EXPECT_EQ(recent.Ask("uid:1", "c", "body"), Answer::kRepeated);
}

}  // namespace
}  // namespace cloister::executor
