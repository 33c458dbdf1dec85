// What the child and then init tell the launcher, over the task's report socket (SOCK_SEQPACKET,
// one message each).
//
//   child, init -> launcher   FAILED {step, index, error}     a step failed; the sender exits
//   init        -> launcher   EXECED + pidfd of the payload   the payload's exec is done
//   init        -> launcher   EXITED {wait status, time}      the payload has ended; init exits and
//   takes the rest along
//
// End of file without any of them: the sender was killed. Plain integers, the same on both sides of
// an exec: shared by freestanding code, so no C++ library in here.
#ifndef CLOISTER_LIBS_LAUNCH_REPORT_MESSAGE_H_
#define CLOISTER_LIBS_LAUNCH_REPORT_MESSAGE_H_

namespace cloister {
namespace launch {

enum ReportKind : int { kReportFailed = 1, kReportExeced = 2, kReportExited = 3 };

struct ReportMessage {
  int kind;
  int step;         // kReportFailed: LaunchStep
  int index;        // kReportFailed: of the step's list
  int error;        // kReportFailed: errno
  int wait_status;  // kReportExited: as of wait(2)
  // kReportExited: by CLOCK_REALTIME; 0 where init may not ask. The message waits for the launcher
  // until init is gone.
  long long exit_time_ns;
};

// Descriptor of the report socket in init.
constexpr int kReportFd = 3;

// LAUNCH_STEP_EXEC of launcher.proto, for init, which has no protobuf. A test holds the two
// together.
constexpr int kStepExec = 37;

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_REPORT_MESSAGE_H_
