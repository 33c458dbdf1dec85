// formatdate, timeadd: of times as RFC 3339 writes them, "2026-03-01T12:00:00Z".
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"

namespace cloister::hcl {
namespace {

struct Timestamp {
  absl::Time time;
  int offset_seconds = 0;  // Of its zone, east of UTC.

  absl::TimeZone zone() const { return absl::FixedTimeZone(offset_seconds); }
};

absl::StatusOr<Timestamp> ParseTimestamp(const std::string& text) {
  Timestamp timestamp;
  std::string error;
  // Abseil's format is wider than the RFC: years of any length, zones without minutes, white space.
  const bool utc = absl::EndsWith(text, "Z") || absl::EndsWith(text, "z");
  const bool four_digits = text.size() >= 20 && text[4] == '-' &&
                           std::all_of(text.begin(), text.begin() + 4, absl::ascii_isdigit);
  const bool zone =
      utc || (text.size() >= 25 && text[text.size() - 3] == ':' &&
              absl::string_view("+-").find(text[text.size() - 6]) != absl::string_view::npos);
  if (!four_digits || !zone ||
      !absl::ParseTime(absl::RFC3339_full, text, &timestamp.time, &error)) {
    return absl::InvalidArgumentError(
        "the time is not as RFC 3339 has it, for example 2026-03-01T12:00:00Z.");
  }
  if (!utc) {
    const absl::string_view offset = absl::string_view(text).substr(text.size() - 6);
    const int hours = (offset[1] - '0') * 10 + (offset[2] - '0');
    const int minutes = (offset[4] - '0') * 10 + (offset[5] - '0');
    timestamp.offset_seconds = (offset[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  return timestamp;
}

std::string ZoneText(int offset_seconds, bool colon) {
  const int minutes = std::abs(offset_seconds) / 60;
  return absl::StrFormat("%c%02d%s%02d", offset_seconds < 0 ? '-' : '+', minutes / 60,
                         colon ? ":" : "", minutes % 60);
}

// What a run of one letter in the format stands for; empty if it stands for nothing.
std::string FormatPart(absl::string_view part, const Timestamp& timestamp) {
  const auto format = [&](absl::string_view text) {
    return absl::FormatTime(text, timestamp.time, timestamp.zone());
  };
  const absl::CivilSecond civil = absl::ToCivilSecond(timestamp.time, timestamp.zone());
  const int hour12 = civil.hour() % 12 == 0 ? 12 : civil.hour() % 12;
  const bool utc = timestamp.offset_seconds == 0;
  if (part == "YYYY") return absl::StrFormat("%04d", civil.year());
  if (part == "YY") return absl::StrFormat("%02d", civil.year() % 100);
  if (part == "MMMM") return format("%B");
  if (part == "MMM") return format("%b");
  if (part == "MM") return absl::StrFormat("%02d", civil.month());
  if (part == "M") return absl::StrCat(civil.month());
  if (part == "DD") return absl::StrFormat("%02d", civil.day());
  if (part == "D") return absl::StrCat(civil.day());
  if (part == "EEEE") return format("%A");
  if (part == "EEE") return format("%a");
  if (part == "hh") return absl::StrFormat("%02d", civil.hour());
  if (part == "h") return absl::StrCat(civil.hour());
  if (part == "HH") return absl::StrFormat("%02d", hour12);
  if (part == "H") return absl::StrCat(hour12);
  if (part == "AA") return civil.hour() < 12 ? "AM" : "PM";
  if (part == "aa") return civil.hour() < 12 ? "am" : "pm";
  if (part == "mm") return absl::StrFormat("%02d", civil.minute());
  if (part == "m") return absl::StrCat(civil.minute());
  if (part == "ss") return absl::StrFormat("%02d", civil.second());
  if (part == "s") return absl::StrCat(civil.second());
  if (part == "ZZZZZ") return ZoneText(timestamp.offset_seconds, true);
  if (part == "ZZZZ") return ZoneText(timestamp.offset_seconds, false);
  if (part == "ZZZ") return utc ? "UTC" : ZoneText(timestamp.offset_seconds, false);
  if (part == "Z") return utc ? "Z" : ZoneText(timestamp.offset_seconds, true);
  return "";
}

// 'text' at the front, with '' for a quote in it.
absl::StatusOr<std::string> TakeQuoted(absl::string_view& format) {
  std::string text;
  format.remove_prefix(1);
  while (!format.empty()) {
    const bool quote = format.front() == '\'';
    const bool doubled = quote && format.substr(1, 1) == "'";
    if (quote && !doubled) {
      format.remove_prefix(1);
      return text;
    }
    text += format.front();
    format.remove_prefix(doubled ? 2 : 1);
  }
  return absl::InvalidArgumentError("the format has a quote without end.");
}

absl::StatusOr<Value> FormatDate(const FunctionCall& call) {
  absl::string_view format = call.arguments[0].text();
  CLOISTER_ASSIGN_OR_RETURN(const Timestamp timestamp, ParseTimestamp(call.arguments[1].text()));
  // A letter becomes at most "September"'s share, or is itself.
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(format.size() * 4));
  std::string result;
  while (!format.empty()) {
    const char c = format.front();
    if (c == '\'') {
      CLOISTER_ASSIGN_OR_RETURN(const std::string text, TakeQuoted(format));
      result += text;
      continue;
    }
    if (!absl::ascii_isalpha(c)) {
      result += c;
      format.remove_prefix(1);
      continue;
    }
    const absl::string_view part =
        format.substr(0, std::min(format.find_first_not_of(c), format.size()));
    const std::string text = FormatPart(part, timestamp);
    if (text.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("the format has no meaning for \"",
                                                     part.substr(0, 8),
                                                     "\"; text stands in 'single quotes'."));
    }
    result += text;
    format.remove_prefix(part.size());
  }
  return Value::String(std::move(result));
}

absl::StatusOr<Value> TimeAdd(const FunctionCall& call) {
  CLOISTER_ASSIGN_OR_RETURN(const Timestamp timestamp, ParseTimestamp(call.arguments[0].text()));
  absl::Duration duration;
  if (!absl::ParseDuration(call.arguments[1].text(), &duration)) {
    return absl::InvalidArgumentError("the duration is not one such as 90s, 1h30m or -5m.");
  }
  const absl::Time time = timestamp.time + duration;
  const int64_t year = absl::ToCivilYear(time, timestamp.zone()).year();
  if (year < 0 || year > 9999) return absl::InvalidArgumentError("the time is out of range.");
  const bool utc = timestamp.offset_seconds == 0;
  return Value::String(absl::FormatTime(utc ? "%E4Y-%m-%dT%H:%M:%E*SZ" : "%E4Y-%m-%dT%H:%M:%E*S%Ez",
                                        time, timestamp.zone()));
}

constexpr Function kFunctions[] = {
    {"formatdate", "formatdate(format, time)", "ss", FormatDate},
    {"timeadd", "timeadd(time, duration)", "ss", TimeAdd},
};

}  // namespace

absl::Span<const Function> TimeFunctions() { return kFunctions; }

}  // namespace cloister::hcl
