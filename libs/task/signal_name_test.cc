#include "libs/task/signal_name.h"

#include <signal.h>
#include <string.h>

#include "gtest/gtest.h"

namespace cloister::task {
namespace {

TEST(SignalName, EverySpellingReads) {
  for (const char* text : {"SIGTERM", "TERM", "sigterm", "term", "SigTerm", "15"}) {
    EXPECT_EQ(SignalNumber(text), SIGTERM) << text;
  }
}

// The C library's own table (sigabbrev_np(3)) is the oracle.
TEST(SignalName, EverySignalOfTheSystemHasItsName) {
  for (int number = 1; number <= 31; ++number) {
    const char* name = sigabbrev_np(number);
    ASSERT_NE(name, nullptr) << number;
    EXPECT_EQ(SignalNumber(name), number) << name;
    EXPECT_EQ(SignalNumber(std::string("SIG") + name), number) << name;
    EXPECT_EQ(SignalNumber(SignalName(number)), number);
  }
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
  EXPECT_EQ(SignalName(SIGABRT), "SIGABRT");
  EXPECT_EQ(SignalName(SIGCHLD), "SIGCHLD");
}

TEST(SignalName, RealTimeSignalsCountFromEitherEnd) {
  EXPECT_EQ(SIGRTMIN, 34);
  EXPECT_EQ(SignalNumber("SIGRTMIN"), SIGRTMIN);
  EXPECT_EQ(SignalNumber("rtmin+3"), SIGRTMIN + 3);
  EXPECT_EQ(SignalNumber("SIGRTMIN+30"), 64);
  EXPECT_EQ(SignalNumber("SIGRTMAX"), SIGRTMAX);
  EXPECT_EQ(SignalNumber("SIGRTMAX-30"), SIGRTMIN);
  EXPECT_EQ(SignalName(34), "SIGRTMIN");
  EXPECT_EQ(SignalName(64), "SIGRTMIN+30");
}

TEST(SignalName, AnythingElseIsNone) {
  for (const char* text :
       {"", "0", "65", "-1", "+9", " 9", "9 ", "SIG", "SIGFOO", "SIGSIGTERM", "RTMIN-1", "RTMIN+31",
        "RTMAX+1", "RTMAX-31", "RTMIN+", "RTMIN+x", "99999999999999"}) {
    EXPECT_EQ(SignalNumber(text), absl::nullopt) << text;
  }
}

TEST(SignalName, ANumberThatIsNoSignalIsSaidSo) {
  EXPECT_EQ(SignalName(0), "signal 0");
  EXPECT_EQ(SignalName(33), "signal 33");
  EXPECT_EQ(SignalName(99), "signal 99");
}

}  // namespace
}  // namespace cloister::task
