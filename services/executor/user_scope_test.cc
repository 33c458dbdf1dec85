#include "services/executor/user_scope.h"

#include <unistd.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "services/executor/scripted_bus.h"

namespace cloister::executor {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> PathsOf(std::map<std::string, std::string> environment) {
  std::vector<std::string> paths;
  for (const ManagerSocket& socket :
       UserManagerSockets([&](const std::string& name) { return environment[name]; }, 1000)) {
    paths.push_back(absl::StrCat(socket.path, socket.is_bus ? " bus" : ""));
  }
  return paths;
}

TEST(UserManagerSockets, AreWhereTheEnvironmentSaysElseWhereSystemdHasThem) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(PathsOf({}), (Paths{"/run/user/1000/systemd/private", "/run/user/1000/bus bus"}));
  EXPECT_EQ(PathsOf({{"XDG_RUNTIME_DIR", "/x"}}), (Paths{"/x/systemd/private", "/x/bus bus"}));
  EXPECT_EQ(PathsOf({{"XDG_RUNTIME_DIR", "/x"},
                     {"DBUS_SESSION_BUS_ADDRESS", "tcp:host=h;unix:path=/y/bus,guid=0"}}),
            (Paths{"/x/systemd/private", "/y/bus bus"}));
}

TEST(MoveIntoUserScope, WithoutAManagerThereIsNone) {
  EXPECT_THAT(MoveIntoUserScope({{"/nowhere/private", false}}, "cloister-a.scope", "leaf"),
              StatusIs(absl::StatusCode::kNotFound));
}

// Asked for with our pid and with the right to divide it; where it is there, for a place in it.
TEST(MoveIntoUserScope, AsksForOneThenForAPlaceInTheOneThatIsThere) {
  const std::string exists = "org.freedesktop.systemd1.UnitExists";
  ScriptedBus bus("DATA\r\nOK 0\r\n", {ScriptedBus::Error(1, exists, "Unit was already loaded"),
                                       ScriptedBus::Error(2, "org.x.Busy", "no")});
  EXPECT_THAT(MoveIntoUserScope({{bus.socket(), false}}, "cloister-a.scope", "leaf"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr(absl::StrCat(bus.socket(), "): org.x.Busy: no"))));
  const std::vector<std::string> sent = bus.Sent();
  ASSERT_THAT(sent, SizeIs(3));
  for (const char* word :
       {"StartTransientUnit", "ssa(sv)a(sa(sv))", "cloister-a.scope", "fail", "Delegate", "PIDs"}) {
    EXPECT_THAT(sent[1], HasSubstr(word));
  }
  for (const char* word : {"AttachProcessesToUnit", "ssau", "cloister-a.scope", "/leaf"}) {
    EXPECT_THAT(sent[2], HasSubstr(word));
  }
  const uint32_t pid = static_cast<uint32_t>(getpid());
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(pid >> shift));
  EXPECT_THAT(sent[1], HasSubstr(bytes));
  EXPECT_THAT(sent[2], HasSubstr(bytes));
}

TEST(MoveIntoUserScope, ARefusalIsSaid) {
  ScriptedBus bus("DATA\r\nOK 0\r\n", {ScriptedBus::Error(1, "org.x.AccessDenied", "not you")});
  EXPECT_THAT(MoveIntoUserScope({{bus.socket(), false}}, "cloister-a.scope", "leaf"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("AccessDenied: not you")));
}

}  // namespace
}  // namespace cloister::executor
