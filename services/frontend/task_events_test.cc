#include "services/frontend/task_events.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cloister/v1/task_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Event = v1::WatchTasksResponse;

const absl::Time kNow = absl::FromUnixSeconds(5000);

TaskRef MakeTask(v1::TaskState state, bool started = true) {
  auto task = std::make_shared<v1::Task>();
  task->set_id("a");
  task->set_state(state);
  task->mutable_create_time()->set_seconds(1);
  if (started) task->mutable_start_time()->set_seconds(2);
  if (HasEnded(*task)) task->mutable_exit_time()->set_seconds(3);
  return task;
}

std::vector<Event::Type> TypesOf(const std::vector<EventRef>& events) {
  std::vector<Event::Type> types;
  for (const EventRef& event : events) types.push_back(event->type());
  return types;
}

std::vector<Event::Type> Types(TaskRef before, TaskRef after) {
  return TypesOf(MakeEvents({before, after}, kNow));
}

TEST(TaskEvents, TellEveryStepOfATaskThatIsFirstSeenWhenItHasEnded) {
  EXPECT_THAT(Types(nullptr, MakeTask(v1::TASK_STATE_EXITED)),
              ElementsAre(Event::TYPE_CREATED, Event::TYPE_STARTED, Event::TYPE_ENDED));
  EXPECT_THAT(Types(nullptr, MakeTask(v1::TASK_STATE_EXITED, /*started=*/false)),
              ElementsAre(Event::TYPE_CREATED, Event::TYPE_ENDED));
}

TEST(TaskEvents, TellEachStepOnce) {
  const TaskRef pending = MakeTask(v1::TASK_STATE_PENDING, /*started=*/false);
  const TaskRef starting = MakeTask(v1::TASK_STATE_STARTING, /*started=*/false);
  const TaskRef running = MakeTask(v1::TASK_STATE_RUNNING);
  const TaskRef stopping = MakeTask(v1::TASK_STATE_STOPPING);
  const TaskRef exited = MakeTask(v1::TASK_STATE_EXITED);
  EXPECT_THAT(Types(nullptr, pending), ElementsAre(Event::TYPE_CREATED));
  EXPECT_THAT(Types(pending, starting), IsEmpty());
  EXPECT_THAT(Types(starting, running), ElementsAre(Event::TYPE_STARTED));
  EXPECT_THAT(Types(running, running), IsEmpty());
  EXPECT_THAT(Types(running, stopping), ElementsAre(Event::TYPE_STOPPING));
  EXPECT_THAT(Types(stopping, exited), ElementsAre(Event::TYPE_ENDED));
  EXPECT_THAT(Types(exited, exited), IsEmpty());
  EXPECT_THAT(Types(exited, nullptr), ElementsAre(Event::TYPE_DESTROYED));
}

TEST(TaskEvents, KeepTheOrderWhenStatesWereLeftOut) {
  const TaskRef pending = MakeTask(v1::TASK_STATE_PENDING, /*started=*/false);
  EXPECT_THAT(Types(pending, MakeTask(v1::TASK_STATE_STOPPING)),
              ElementsAre(Event::TYPE_STARTED, Event::TYPE_STOPPING));
  EXPECT_THAT(Types(pending, MakeTask(v1::TASK_STATE_LOST)),
              ElementsAre(Event::TYPE_STARTED, Event::TYPE_ENDED));
  EXPECT_THAT(
      Types(MakeTask(v1::TASK_STATE_STOPPING, /*started=*/false), MakeTask(v1::TASK_STATE_EXITED)),
      ElementsAre(Event::TYPE_ENDED))
      << "STARTED does not come after STOPPING";
}

TEST(TaskEvents, CarryTheNodesTimes) {
  const std::vector<EventRef> events = MakeEvents({nullptr, MakeTask(v1::TASK_STATE_EXITED)}, kNow);
  EXPECT_EQ(events[0]->time().seconds(), 1);
  EXPECT_EQ(events[1]->time().seconds(), 2);
  EXPECT_EQ(events[2]->time().seconds(), 3);
  const EventRef changed = MakeNodeChanged(*MakeTask(v1::TASK_STATE_RUNNING), true, kNow);
  EXPECT_EQ(changed->time().seconds(), 5000);
  EXPECT_TRUE(changed->task().node_unreachable());
}

class RecordingSubscriber : public TaskSubscriber {
 public:
  void OnTaskEvent(const EventRef& event) override { ids.push_back(event->task().id()); }
  std::vector<std::string> ids;
};

TEST(TaskFeed, TellsEachSubscriberWhatItAskedFor) {
  TaskFeed feed;
  RecordingSubscriber all;
  RecordingSubscriber one;
  feed.Add("", &all);
  feed.Add("a", &one);
  v1::Task task;
  for (const char* id : {"a", "b"}) {
    task.set_id(id);
    feed.Publish(MakeNodeChanged(task, false, kNow));
  }
  EXPECT_THAT(all.ids, ElementsAre("a", "b"));
  EXPECT_THAT(one.ids, ElementsAre("a"));
  feed.Remove("a", &one);
  feed.Remove("", &all);
  EXPECT_TRUE(feed.empty());
}

}  // namespace
}  // namespace cloister::frontend
