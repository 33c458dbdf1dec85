#include "services/executor/dbus_call.h"

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

constexpr char kGreeting[] = "DATA\r\nOK 0123456789abcdef\r\n";

std::string Zeros(size_t count) { return std::string(count, '\0'); }

DbusCall Call() { return {"d.d", "/p", "i.i", "M", "", ""}; }

TEST(DbusBody, PutsEachValueAtItsAlignment) {
  DbusBody body;
  body.Byte(1);
  body.Number(0x01020304);
  body.Text("abc");
  body.Signature("su");
  body.Align(8);
  EXPECT_EQ(body.bytes(), absl::StrCat("\1", Zeros(3), "\4\3\2\1", "\3", Zeros(3), "abc", Zeros(1),
                                       "\2su", Zeros(1), Zeros(4)));
}

TEST(DbusBody, AnArraysLengthCountsNotWhatLeadsToItsFirstElement) {
  DbusBody body;
  const DbusBody::Array array = body.BeginArray(8);
  body.Number(7);
  body.EndArray(array);
  body.EndArray(body.BeginArray(8));
  EXPECT_EQ(body.bytes(), absl::StrCat("\4", Zeros(7), "\7", Zeros(3), Zeros(4)));
}

TEST(DbusConnection, ACallIsAsTheSpecificationHasIt) {
  ScriptedBus bus(kGreeting, {ScriptedBus::Return(1)});
  {
    absl::StatusOr<DbusConnection> connection = DbusConnection::Open(bus.socket(), false);
    ASSERT_THAT(connection, IsOk());
    DbusCall call = Call();
    call.signature = "u";
    DbusBody body;
    body.Number(9);
    call.body = body.bytes();
    EXPECT_THAT(connection->Call(call), IsOk());
  }
  const std::vector<std::string> sent = bus.Sent();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0], absl::StrCat(Zeros(1), "AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"));
  const auto text = [](char code, char type, const std::string& value) {
    return absl::StrCat(std::string({code, '\1', type, '\0'}),
                        std::string({static_cast<char>(value.size()), '\0', '\0', '\0'}), value,
                        Zeros(1));
  };
  EXPECT_EQ(sent[1],
            absl::StrCat("l\1", Zeros(1), "\1", "\4", Zeros(3), "\1", Zeros(3), "\x47", Zeros(3),
                         text(1, 'o', "/p"), Zeros(5), text(2, 's', "i.i"), Zeros(4),
                         text(3, 's', "M"), Zeros(6), text(6, 's', "d.d"), Zeros(4), "\10\1g",
                         Zeros(1), "\1u", Zeros(1), Zeros(1), "\11", Zeros(3)));
}

TEST(DbusConnection, ABusIsGreetedAndSignalsAreNoAnswers) {
  ScriptedBus bus(kGreeting, {absl::StrCat(ScriptedBus::Return(1), ScriptedBus::Signal()),
                              absl::StrCat(ScriptedBus::Signal(), ScriptedBus::Return(2))});
  {
    absl::StatusOr<DbusConnection> connection = DbusConnection::Open(bus.socket(), true);
    ASSERT_THAT(connection, IsOk());
    EXPECT_THAT(connection->Call(Call()), IsOk());
  }
  const std::vector<std::string> sent = bus.Sent();
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_THAT(sent[1], HasSubstr("Hello"));
}

TEST(DbusConnection, AnErrorIsItsNameAndItsWords) {
  ScriptedBus bus(kGreeting, {ScriptedBus::Error(1, "org.x.UnitExists", "is there")});
  absl::StatusOr<DbusConnection> connection = DbusConnection::Open(bus.socket(), false);
  ASSERT_THAT(connection, IsOk());
  EXPECT_THAT(connection->Call(Call()), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                 HasSubstr("org.x.UnitExists: is there")));
}

TEST(DbusConnection, WhoeverIsNotKnownThereIsRefused) {
  const ScriptedBus bus("REJECTED EXTERNAL\r\n", {});
  EXPECT_THAT(DbusConnection::Open(bus.socket(), false).status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(DbusConnection, WhatIsNoAnswerIsAnError) {
  for (const std::string& answer :
       {std::string("l\2\0\1", 4), absl::StrCat("l\2", Zeros(2), std::string(12, '\xff')),
        absl::StrCat("B", Zeros(15))}) {
    ScriptedBus bus(kGreeting, {answer});
    absl::StatusOr<DbusConnection> connection = DbusConnection::Open(bus.socket(), false);
    ASSERT_THAT(connection, IsOk());
    EXPECT_FALSE(connection->Call(Call()).ok());
  }
}

TEST(DbusConnection, NobodyThereIsAnErrorThatNamesTheSocket) {
  EXPECT_THAT(DbusConnection::Open("/nowhere/bus", true).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/bus")));
}

}  // namespace
}  // namespace cloister::executor
