#include "libs/task/signal_name.h"

#include <signal.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cloister::task {
namespace {

struct Signal {
  absl::string_view name;
  int number;
};

// Where two names share a number, the usual one comes first: it is the one that is shown.
constexpr Signal kSignals[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT},   {"IOT", SIGIOT},   {"BUS", SIGBUS},
    {"FPE", SIGFPE},       {"KILL", SIGKILL},   {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},
    {"USR2", SIGUSR2},     {"PIPE", SIGPIPE},   {"ALRM", SIGALRM}, {"TERM", SIGTERM},
    {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD},   {"CLD", SIGCHLD},  {"CONT", SIGCONT},
    {"STOP", SIGSTOP},     {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},
    {"URG", SIGURG},       {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF},     {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"POLL", SIGPOLL},
    {"PWR", SIGPWR},       {"SYS", SIGSYS}};

constexpr int kLast = 64;
// SIGRTMIN of the C library is a function call; the number is part of its ABI.
constexpr int kRealTimeFirst = 34;

bool AllDigits(absl::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

// "", "+3" or "-3" after RTMIN or RTMAX.
absl::optional<int> RealTime(int base, char sign, absl::string_view rest) {
  int offset = 0;
  if (!rest.empty()) {
    if (rest[0] != sign || !AllDigits(rest.substr(1))) return absl::nullopt;
    if (!absl::SimpleAtoi(rest.substr(1), &offset)) return absl::nullopt;
  }
  if (offset > kLast - kRealTimeFirst) return absl::nullopt;
  return sign == '+' ? base + offset : base - offset;
}

}  // namespace

absl::optional<int> SignalNumber(absl::string_view text) {
  int number = 0;
  if (AllDigits(text)) {
    if (!absl::SimpleAtoi(text, &number) || number < 1 || number > kLast) return absl::nullopt;
    return number;
  }
  const std::string upper = absl::AsciiStrToUpper(text);
  const absl::string_view name = absl::StripPrefix(upper, "SIG");
  for (const Signal& signal : kSignals) {
    if (name == signal.name) return signal.number;
  }
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, "RTMIN")) return RealTime(kRealTimeFirst, '+', rest);
  if (absl::ConsumePrefix(&rest, "RTMAX")) return RealTime(kLast, '-', rest);
  return absl::nullopt;
}

std::string SignalName(int number) {
  for (const Signal& signal : kSignals) {
    if (number == signal.number) return absl::StrCat("SIG", signal.name);
  }
  if (number == kRealTimeFirst) return "SIGRTMIN";
  if (number > kRealTimeFirst && number <= kLast) {
    return absl::StrCat("SIGRTMIN+", number - kRealTimeFirst);
  }
  return absl::StrCat("signal ", number);
}

}  // namespace cloister::task
