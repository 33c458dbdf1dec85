#include "services/executor/user_scope.h"

#include <poll.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "services/executor/dbus_call.h"

namespace cloister::executor {
namespace {

constexpr char kManager[] = "org.freedesktop.systemd1";
constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr int kPollMs = 2;

DbusCall CallOf(const char* member, const char* signature, std::string body) {
  return {kManager,
          "/org/freedesktop/systemd1",
          "org.freedesktop.systemd1.Manager",
          member,
          signature,
          std::move(body)};
}

void AddTextProperty(absl::string_view name, absl::string_view value, DbusBody* body) {
  body->Align(8);
  body->Text(name);
  body->Signature("s");
  body->Text(value);
}

void AddOurPid(DbusBody* body) {
  const DbusBody::Array pids = body->BeginArray(4);
  body->Number(static_cast<uint32_t>(getpid()));
  body->EndArray(pids);
}

std::string ScopeBody(absl::string_view unit) {
  DbusBody body;
  body.Text(unit);
  body.Text("fail");
  const DbusBody::Array properties = body.BeginArray(8);
  AddTextProperty("Description", "Tasks of Cloister", &body);
  AddTextProperty("CollectMode", "inactive-or-failed", &body);
  body.Align(8);
  body.Text("Delegate");
  body.Signature("b");
  body.Number(1);
  body.Align(8);
  body.Text("PIDs");
  body.Signature("au");
  AddOurPid(&body);
  body.EndArray(properties);
  // No further units.
  body.EndArray(body.BeginArray(8));
  return body.bytes();
}

std::string AttachBody(absl::string_view unit, absl::string_view leaf) {
  DbusBody body;
  body.Text(unit);
  body.Text(absl::StrCat("/", leaf));
  AddOurPid(&body);
  return body.bytes();
}

bool IsIn(absl::string_view unit) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::vector<absl::string_view> names = absl::StrSplit(line, '/');
    for (absl::string_view name : names) {
      if (name == unit) return true;
    }
  }
  return false;
}

// What was asked for is a job of the manager's. Nothing tells a process that it has been moved.
absl::Status AwaitMove(absl::string_view unit) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!IsIn(unit)) {
    if (absl::Now() > deadline) {
      return absl::FailedPreconditionError(
          absl::StrCat("did not move us into ", unit, " within ", absl::FormatDuration(kPatience)));
    }
    poll(nullptr, 0, kPollMs);
  }
  return absl::OkStatus();
}

absl::Status Ask(DbusConnection& manager, const std::string& unit, const std::string& leaf) {
  absl::Status status =
      manager.Call(CallOf("StartTransientUnit", "ssa(sv)a(sa(sv))", ScopeBody(unit)));
  if (absl::StartsWith(status.message(), "org.freedesktop.systemd1.UnitExists")) {
    status = manager.Call(CallOf("AttachProcessesToUnit", "ssau", AttachBody(unit, leaf)));
  }
  return status.ok() ? AwaitMove(unit) : status;
}

}  // namespace

std::vector<ManagerSocket> UserManagerSockets(
    const std::function<std::string(const std::string&)>& environment, uint32_t uid) {
  std::string runtime = environment("XDG_RUNTIME_DIR");
  if (!absl::StartsWith(runtime, "/")) runtime = absl::StrCat("/run/user/", uid);
  std::vector<ManagerSocket> sockets = {{absl::StrCat(runtime, "/systemd/private"), false}};
  const std::string addresses = environment("DBUS_SESSION_BUS_ADDRESS");
  // "unix:path=/run/user/1000/bus,guid=...;...": others than that are not the manager's.
  for (absl::string_view address : absl::StrSplit(addresses, ';', absl::SkipEmpty())) {
    if (!absl::ConsumePrefix(&address, "unix:path=")) continue;
    sockets.push_back({std::string(address.substr(0, address.find(','))), true});
  }
  if (addresses.empty()) sockets.push_back({absl::StrCat(runtime, "/bus"), true});
  return sockets;
}

absl::Status MoveIntoUserScope(const std::vector<ManagerSocket>& sockets, const std::string& unit,
                               const std::string& leaf) {
  absl::Status last = absl::NotFoundError("the user has no systemd manager");
  for (const ManagerSocket& socket : sockets) {
    if (access(socket.path.c_str(), F_OK) != 0) continue;
    absl::StatusOr<DbusConnection> manager = DbusConnection::Open(socket.path, socket.is_bus);
    last = manager.ok() ? Ask(*manager, unit, leaf) : manager.status();
    if (last.ok()) return last;
    last = Annotate(last, absl::StrCat("the user's systemd manager (", socket.path, ")"));
  }
  return last;
}

}  // namespace cloister::executor
