// Debian's Abseil is built without ThreadSanitizer, which therefore sees no lock in absl::Mutex and
// would report every guarded variable as a race. The linker (--wrap) puts these functions before
// the real ones; they tell what the lock orders. Linked under --config=tsan only.

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);

using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::ReleasableMutexLock;
using absl::Time;

namespace {

// The real call, between a release and an acquire of `lock`. To release what the caller does not
// hold yet orders more than the program does, and so may hide a race, never invent one; therefore
// one shape serves locking, unlocking and waiting.
class Ordering {
 public:
  Ordering(const void* lock, bool releases, bool acquires)
      : lock_(const_cast<void*>(lock)), acquires_(acquires) {
    if (releases) __tsan_release(lock_);
    // Abseil evaluates the conditions of other waiters in the thread that gives the lock up, after
    // the release that we told of, and keeps books for its deadlock detection under locks of its
    // own: no race.
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Ordering() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    if (acquires_) __tsan_acquire(lock_);
  }
  Ordering(const Ordering&) = delete;
  Ordering& operator=(const Ordering&) = delete;

 private:
  void* const lock_;
  const bool acquires_;
};

}  // namespace

// WRAP(name, mangled symbol, result, parameters, arguments, ordering)
#define WRAP(name, symbol, result, parameters, arguments, ...) \
  result Real##name parameters __asm__("__real_" symbol);      \
  result Wrap##name parameters __asm__("__wrap_" symbol);      \
  result Wrap##name parameters {                               \
    const Ordering ordering(__VA_ARGS__);                      \
    return Real##name arguments;                               \
  }

#define MUTEX(name, symbol, result, parameters, arguments, releases, acquires) \
  WRAP(name, "_ZN4absl7debian35Mutex" symbol, result, parameters, arguments, mu, releases, acquires)
#define CONDVAR(name, symbol, result, parameters, arguments) \
  WRAP(name, "_ZN4absl7debian37CondVar" symbol, result, parameters, arguments, mu, true, true)
#define NOTIFICATION(name, symbol, result, parameters, arguments)                                  \
  WRAP(name, "_ZNK4absl7debian312Notification" symbol, result, parameters, arguments, self, false, \
       true)

MUTEX(Lock, "4LockEv", void, (Mutex * mu), (mu), false, true)
MUTEX(TryLock, "7TryLockEv", bool, (Mutex * mu), (mu), false, true)
MUTEX(Unlock, "6UnlockEv", void, (Mutex * mu), (mu), true, false)
MUTEX(ReaderLock, "10ReaderLockEv", void, (Mutex * mu), (mu), false, true)
MUTEX(ReaderTryLock, "13ReaderTryLockEv", bool, (Mutex * mu), (mu), false, true)
MUTEX(ReaderUnlock, "12ReaderUnlockEv", void, (Mutex * mu), (mu), true, false)
MUTEX(LockWhen, "8LockWhenERKNS0_9ConditionE", void, (Mutex * mu, const Condition& c), (mu, c),
      false, true)
MUTEX(LockWhenWithTimeout, "19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE", bool,
      (Mutex * mu, const Condition& c, Duration t), (mu, c, t), false, true)
MUTEX(LockWhenWithDeadline, "20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE", bool,
      (Mutex * mu, const Condition& c, Time t), (mu, c, t), false, true)
MUTEX(ReaderLockWhen, "14ReaderLockWhenERKNS0_9ConditionE", void, (Mutex * mu, const Condition& c),
      (mu, c), false, true)
MUTEX(Await, "5AwaitERKNS0_9ConditionE", void, (Mutex * mu, const Condition& c), (mu, c), true,
      true)
MUTEX(AwaitWithTimeout, "16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE", bool,
      (Mutex * mu, const Condition& c, Duration t), (mu, c, t), true, true)
MUTEX(AwaitWithDeadline, "17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE", bool,
      (Mutex * mu, const Condition& c, Time t), (mu, c, t), true, true)

CONDVAR(CondVarWait, "4WaitEPNS0_5MutexE", void, (CondVar * self, Mutex* mu), (self, mu))
CONDVAR(CondVarWaitWithTimeout, "15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", bool,
        (CondVar * self, Mutex* mu, Duration t), (self, mu, t))
CONDVAR(CondVarWaitWithDeadline, "16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", bool,
        (CondVar * self, Mutex* mu, Time t), (self, mu, t))

NOTIFICATION(WaitForNotification, "19WaitForNotificationEv", void, (const Notification* self),
             (self))
NOTIFICATION(WaitForNotificationWithTimeout, "30WaitForNotificationWithTimeoutENS0_8DurationE",
             bool, (const Notification* self, Duration t), (self, t))
NOTIFICATION(WaitForNotificationWithDeadline, "31WaitForNotificationWithDeadlineENS0_4TimeE", bool,
             (const Notification* self, Time t), (self, t))

// ReleasableMutexLock has one member, the mutex it holds.
WRAP(Release, "_ZN4absl7debian319ReleasableMutexLock7ReleaseEv", void, (ReleasableMutexLock * self),
     (self), *reinterpret_cast<Mutex**>(self), true, false)

// HasBeenNotified() is inline and reads a flag behind the notification's mutex: tell of that too.
void RealNotify(Notification* self) __asm__("__real__ZN4absl7debian312Notification6NotifyEv");
void WrapNotify(Notification* self) __asm__("__wrap__ZN4absl7debian312Notification6NotifyEv");
void WrapNotify(Notification* self) {
  __tsan_release(reinterpret_cast<char*>(self) + sizeof(Mutex));
  const Ordering ordering(self, true, false);
  RealNotify(self);
}
