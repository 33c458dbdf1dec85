// The launcher process: carries out plans, is the parent of its tasks, outlives the executor.
#ifndef CLOISTER_SERVICES_LAUNCHER_LAUNCHER_H_
#define CLOISTER_SERVICES_LAUNCHER_LAUNCHER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/launch/launch_site.h"
#include "libs/launch/launch_threads.h"
#include "libs/supervise/supervisor.h"
#include "services/launcher/control.h"
#include "services/launcher/joiners.h"

namespace cloister {

class Launcher {
 public:
  // `site` before all else that opens descriptors.
  static absl::StatusOr<std::unique_ptr<Launcher>> Make(std::unique_ptr<launch::LaunchSite> site,
                                                        OwnedFd listener);

  // Serves until it is retired and its last task is forgotten.
  absl::Status Run();

 private:
  Launcher(std::unique_ptr<launch::LaunchSite> site, OwnedFd listener);

  void AcceptController();
  void ReadRequests();
  void Handle(Packet packet);
  void HandleLaunch(internal::Launch request, std::vector<OwnedFd> fds);
  void FailLaunch(const std::string& task_id, const absl::Status& status);
  void WatchConnection();
  // The supervisor's news: to the controller, and to those who are in a task that has ended.
  void Tell(const internal::LauncherEvent& event);
  int MillisToNextKill() const;

  std::unique_ptr<launch::LaunchSite> site_;
  // Its threads use it until the process ends.
  launch::LaunchThreads* const threads_;
  Control control_;
  std::unique_ptr<Joiners> joiners_;
  std::unique_ptr<supervise::Supervisor> supervisor_;
  OwnedFd epoll_;
  // What the connection is watched for.
  uint32_t watched_events_ = 0;
  bool retiring_ = false;
};

}  // namespace cloister

#endif  // CLOISTER_SERVICES_LAUNCHER_LAUNCHER_H_
