// Starts that were sent to a node and that the node has not told of yet. Pure, not thread-safe.
//
// They hold the room that they will take while they are on their way, and they bind a task id to
// its node: a start whose outcome is not known (its answer was lost) is asked for again there and
// nowhere else, until the node's session has told all that it has.
#ifndef CLOISTER_SERVICES_FRONTEND_PENDING_STARTS_H_
#define CLOISTER_SERVICES_FRONTEND_PENDING_STARTS_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/frontend/placement.h"

namespace cloister::frontend {

class PendingStarts {
 public:
  enum class Outcome {
    kStarted,  // The executor answered with the task.
    kRefused,  // The executor said no: it has nothing of it.
    kUnknown,  // No answer came.
  };

  // A start of unknown outcome that nobody asked for again is let go after this.
  static constexpr absl::Duration kKeepUnknown = absl::Minutes(10);

  // A request is on its way. Each Begin has one End.
  void Begin(absl::string_view task_id, absl::string_view node_id, const Room& demand,
             absl::Time now);

  // Returns whether the answer is still news: false if the task was destroyed meanwhile.
  bool End(absl::string_view task_id, Outcome outcome, absl::Time now);

  // Empty if no start of this id is pending.
  std::string NodeOf(absl::string_view task_id) const;

  // Of the node's session: it has the task (which counts for itself from now on), it had it, and
  // it has told of all.
  void Reported(absl::string_view node_id, absl::string_view task_id);
  void Destroyed(absl::string_view node_id, absl::string_view task_id);
  void NodeSynced(absl::string_view node_id);

  // What the node's starts that are on their way will take, those that were reported left out.
  Room HeldOn(absl::string_view node_id) const;

 private:
  struct Start {
    std::string node_id;
    Room demand;
    int calls = 0;      // On their way now; 0 is an unknown outcome that is kept.
    bool held = false;  // Counted in held_.
    bool reported = false;
    bool destroyed = false;
    absl::Time kept_since;
  };
  using Starts = std::map<std::string, Start, std::less<>>;

  void Hold(Start& start);
  void LetGo(Start& start);
  Starts::iterator Remove(Starts::iterator start);
  void DropOld(absl::Time now);

  Starts starts_;
  std::map<std::string, Room, std::less<>> held_;
  absl::Time next_drop_ = absl::InfinitePast();
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_PENDING_STARTS_H_
