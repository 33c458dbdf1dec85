#include "libs/engine/launcher_pool.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {
namespace {

// A launcher answers Hello within milliseconds; on a machine that is starved it takes longer.
constexpr absl::Duration kPatience = absl::Seconds(20);

}  // namespace

LauncherPool::LauncherPool(OwnedFd launchers, LauncherPoolOptions options,
                           LauncherListener* listener)
    : directory_(std::move(launchers), options.program),
      options_(std::move(options)),
      listener_(listener) {}

LauncherPool::~LauncherPool() { Close(); }

void LauncherPool::Close() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (spawner_.joinable()) spawner_.join();
  // Readers first, as they begin burials; not under the lock, which they take.
  std::map<std::string, Launcher, std::less<>> launchers;
  {
    absl::MutexLock lock(&mutex_);
    launchers.swap(launchers_);
  }
  launchers.clear();
  std::vector<std::thread> burials;
  {
    absl::MutexLock lock(&mutex_);
    burials.swap(burials_);
  }
  for (std::thread& burial : burials) burial.join();
}

void LauncherPool::Trouble(const absl::Status& status) const {
  if (!status.ok() && options_.on_trouble != nullptr) options_.on_trouble(status);
}

void LauncherPool::Sweep(const std::string& name) {
  if (options_.sweep_slots == nullptr) return;
  Trouble(
      Annotate(options_.sweep_slots(directory_.SlotPrefix(name)), "cgroups of launcher ", name));
}

absl::StatusOr<std::unique_ptr<LauncherClient>> LauncherPool::Reconnect(const std::string& name) {
  absl::StatusOr<LauncherClient::Target> target = directory_.Open(name);
  if (!target.ok()) return target.status();
  target->programs = programs_;
  absl::StatusOr<std::unique_ptr<LauncherClient>> client =
      LauncherClient::Connect(&*target, kPatience);
  if (client.ok()) return client;
  // It may have died while we tried.
  if (absl::IsNotFound(directory_.Open(name).status())) {
    return absl::NotFoundError(absl::StrCat("launcher ", name, " is gone"));
  }
  return absl::UnavailableError(
      absl::StrCat("launcher ", name, " lives and does not answer (", client.status().message(),
                   "): its tasks cannot be taken over; if it hangs, kill it, which ends them"));
}

absl::StatusOr<LauncherPool::Recovered> LauncherPool::Recover() {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, directory_.List());
  Recovered recovered;
  for (const std::string& name : names) {
    absl::StatusOr<std::unique_ptr<LauncherClient>> client = Reconnect(name);
    if (absl::IsNotFound(client.status())) {
      // Its tasks are dead or dying with it; what they held goes before anybody is told.
      Sweep(name);
      Trouble(directory_.Remove(name));
      continue;
    }
    if (!client.ok()) return client.status();
    absl::StatusOr<std::vector<internal::InventoryReply::Entry>> entries =
        (*client)->Inventory(kPatience);
    if (!entries.ok()) return Annotate(entries.status(), "inventory of launcher ", name);
    CLOISTER_ASSIGN_OR_RETURN(const internal::LauncherRecord record, directory_.ReadRecord(name));
    Launcher launcher;
    launcher.client = *std::move(client);
    launcher.closed = record.version() != options_.program.version;
    if (launcher.closed) Trouble(launcher.client->Retire());
    recovered.inventories.emplace(name, *std::move(entries));
    absl::MutexLock lock(&mutex_);
    launchers_.emplace(name, std::move(launcher));
  }
  return recovered;
}

absl::Status LauncherPool::Start(const std::map<std::string, int>& loads) {
  bool room = false;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [name, launcher] : launchers_) {
      auto load = loads.find(name);
      if (load != loads.end()) launcher.load = load->second;
      launcher.client->Start(this);
    }
    room = PickOpen() != nullptr;
  }
  const absl::Status spawned = room ? absl::OkStatus() : SpawnOne();
  spawner_ = std::thread([this] { RunSpawner(); });
  return spawned;
}

LauncherPool::Launcher* LauncherPool::PickOpen() {
  // The fullest first, so that the others can empty and one crash hits as few tasks as may be
  // expected anyway.
  Launcher* best = nullptr;
  for (auto& entry : launchers_) {
    Launcher& launcher = entry.second;
    if (launcher.closed || launcher.load >= options_.tasks_per_launcher) continue;
    if (best == nullptr || launcher.load > best->load) best = &launcher;
  }
  return best;
}

bool LauncherPool::RunsLow() const {
  int room = 0;
  for (const auto& entry : launchers_) {
    if (!entry.second.closed) room += options_.tasks_per_launcher - entry.second.load;
  }
  return room < (options_.tasks_per_launcher + 3) / 4;
}

absl::StatusOr<std::shared_ptr<LauncherClient>> LauncherPool::Take() {
  absl::MutexLock lock(&mutex_);
  const uint64_t asked_at = spawns_;
  while (true) {
    if (Launcher* launcher = PickOpen()) {
      ++launcher->load;
      if (RunsLow()) spawn_wanted_ = true;
      return launcher->client;
    }
    // An attempt that was under way when we came may have failed for a reason that is gone: ours
    // counts.
    const bool tried = spawns_ > asked_at && !spawn_status_.ok();
    if (tried || stopping_) {
      return EngineError(absl::StatusCode::kUnavailable, kNoLauncher,
                         absl::StrCat("no launcher can take the task: ",
                                      stopping_ ? "the executor shuts down"
                                                : std::string(spawn_status_.message())));
    }
    spawn_wanted_ = true;
    const uint64_t seen = spawns_;
    const auto changed = [this, seen]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return spawns_ != seen || stopping_;
    };
    mutex_.Await(absl::Condition(&changed));
  }
}

void LauncherPool::Release(const std::string& launcher) {
  absl::MutexLock lock(&mutex_);
  auto it = launchers_.find(launcher);
  if (it != launchers_.end() && it->second.load > 0) --it->second.load;
}

std::shared_ptr<LauncherClient> LauncherPool::Find(absl::string_view launcher) const {
  absl::MutexLock lock(&mutex_);
  auto it = launchers_.find(launcher);
  return it == launchers_.end() ? nullptr : it->second.client;
}

void LauncherPool::RetireIdle(absl::Duration patience) {
  std::vector<std::shared_ptr<LauncherClient>> idle;
  std::vector<std::string> names;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& entry : launchers_) {
      if (entry.second.load > 0 || entry.second.client == nullptr) continue;
      entry.second.closed = true;
      idle.push_back(entry.second.client);
      names.push_back(entry.first);
    }
  }
  for (const auto& client : idle) Trouble(client->Retire());
  idle.clear();
  absl::MutexLock lock(&mutex_);
  const auto buried = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::none_of(names.begin(), names.end(),
                        [this](const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                          return launchers_.count(name) > 0;
                        });
  };
  mutex_.AwaitWithTimeout(absl::Condition(&buried), patience);
}

void LauncherPool::RunSpawner() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return spawn_wanted_ || stopping_;
      };
      mutex_.Await(absl::Condition(&wanted));
      if (stopping_) return;
      spawn_wanted_ = false;
      // Asked for while the last one was being spawned, which is enough.
      if (PickOpen() != nullptr && !RunsLow()) continue;
    }
    Trouble(SpawnOne());
  }
}

absl::StatusOr<std::unique_ptr<LauncherClient>> LauncherPool::SpawnAndConnect() {
  CLOISTER_ASSIGN_OR_RETURN(LauncherClient::Target target, directory_.Spawn());
  const std::string name = target.name;
  target.programs = programs_;
  absl::StatusOr<std::unique_ptr<LauncherClient>> client =
      LauncherClient::Connect(&target, kPatience);
  if (client.ok()) {
    if (options_.prepare.ByteSizeLong() > 0) Trouble((*client)->Prepare(options_.prepare));
    return client;
  }
  // A zombie, or one that hangs: no task is in it yet.
  Trouble(target.process.Signal(SIGKILL));
  Trouble(target.process.WaitAndReap().status());
  const std::string words = directory_.LastWords(name);
  Sweep(name);
  Trouble(directory_.Remove(name));
  return absl::UnavailableError(absl::StrCat(
      "'", options_.program.path,
      "' does not come up: ", words.empty() ? std::string(client.status().message()) : words));
}

absl::Status LauncherPool::SpawnOne() {
  absl::StatusOr<std::unique_ptr<LauncherClient>> client = SpawnAndConnect();
  absl::MutexLock lock(&mutex_);
  ++spawns_;
  spawn_status_ = client.status();
  if (client.ok()) {
    (*client)->Start(this);
    const std::string name = (*client)->name();
    launchers_[name].client = *std::move(client);
  }
  return spawn_status_;
}

void LauncherPool::OnLaunched(const std::string& launcher, const internal::Launched& launched) {
  listener_->OnLaunched(launcher, launched);
}

void LauncherPool::OnLaunchFailed(const std::string& launcher,
                                  const internal::LaunchFailed& failed) {
  listener_->OnLaunchFailed(launcher, failed);
}

void LauncherPool::OnExited(const std::string& launcher, const internal::Exited& exited) {
  listener_->OnExited(launcher, exited);
}

void LauncherPool::OnInventory(const std::string& launcher,
                               const std::vector<internal::InventoryReply::Entry>& entries) {
  listener_->OnInventory(launcher, entries);
}

void LauncherPool::OnLauncherDied(const std::string& launcher) {
  absl::MutexLock lock(&mutex_);
  auto it = launchers_.find(launcher);
  if (it != launchers_.end()) it->second.closed = true;
  if (stopping_) return;
  // Not on this thread: it is the client's own, and the client goes.
  burials_.emplace_back([this, launcher] { Bury(launcher); });
}

void LauncherPool::Bury(const std::string& name) {
  Sweep(name);
  listener_->OnLauncherDied(name);
  std::shared_ptr<LauncherClient> client;
  {
    absl::MutexLock lock(&mutex_);
    auto it = launchers_.find(name);
    if (it != launchers_.end()) client = std::move(it->second.client);
  }
  client.reset();
  Trouble(directory_.Remove(name));
  // Last: whoever waits for the end of it finds nothing left.
  absl::MutexLock lock(&mutex_);
  launchers_.erase(name);
}

}  // namespace cloister::engine
