#include "libs/task/unknown_fields.h"

#include "cloister/v1/task.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::task {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void AddUnknown(google::protobuf::Message* message, int number) {
  message->GetReflection()->MutableUnknownFields(message)->AddVarint(number, 1);
}

TEST(UnknownFieldPaths, NoneInAMessageOfThisVersion) {
  v1::TaskConfig config;
  config.mutable_config()->set_command("x");
  (*config.mutable_env())["A"] = "b";
  EXPECT_THAT(UnknownFieldPaths(config), IsEmpty());
}

TEST(UnknownFieldPaths, NamesThemAtEveryDepth) {
  v1::TaskConfig config;
  AddUnknown(&config, 100);
  AddUnknown(config.mutable_config(), 3);
  AddUnknown(config.mutable_config(), 3);
  AddUnknown(config.mutable_kill_timeout(), 9);
  EXPECT_THAT(UnknownFieldPaths(config), ElementsAre("100", "config.3", "kill_timeout.9"));
}

TEST(UnknownFieldPaths, SeesThemAsTheyComeOverTheWire) {
  v1::TaskConfig config;
  // ExecConfig field 100 = "host".
  ASSERT_TRUE(config.ParseFromString(std::string("\x12\x07\xa2\x06\x04host", 9)));
  EXPECT_THAT(UnknownFieldPaths(config), ElementsAre("config.100"));
}

}  // namespace
}  // namespace cloister::task
