#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tests/bench/json_text.h"

namespace cloister::bench {
namespace {

struct Table {
  std::string title;
  // The first one is left-aligned, the others are numbers.
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

std::string Milliseconds(absl::Duration duration) {
  return absl::StrFormat("%.2f", absl::ToDoubleMilliseconds(duration));
}

// "-" unless both were measured.
std::string Ratio(const Measurement* dividend, const Measurement* divisor) {
  if (dividend == nullptr || divisor == nullptr) return "-";
  const double ratio = absl::FDivDuration(dividend->Quantile(0.5), divisor->Quantile(0.5));
  return std::isfinite(ratio) ? absl::StrFormat("%.2f", ratio) : "-";
}

std::string MountWords(int extra_mounts) {
  return extra_mounts == 0 ? "" : absl::StrCat("+", extra_mounts, " mounts");
}

Table PatternTable(const Report& report, const Pattern& pattern) {
  Table table = {
      absl::StrCat("Start to exit, ", pattern.words),
      {"", "", "p50 ms", "p99 ms", "after ms", "x static", "x spawn", "starts/s", "CPU ms", "n"},
      {}};
  for (const int mounts : report.extra_mounts) {
    const auto find = [&](const std::string& contender) {
      return Find(report.measurements, contender, pattern.name, mounts);
    };
    for (const std::string& contender : report.contenders) {
      const Measurement* measured = find(contender);
      if (measured == nullptr) continue;
      // With pauses between the starts their number per second says nothing.
      const bool has_rate = pattern.gap == absl::ZeroDuration();
      table.rows.push_back({contender, MountWords(mounts), Milliseconds(measured->Quantile(0.5)),
                            Milliseconds(measured->Quantile(0.99)),
                            Milliseconds(QuantileOf(measured->times.afterwards, 0.5)),
                            Ratio(measured, find(kStatic)), Ratio(measured, find(kSpawn)),
                            has_rate ? absl::StrFormat("%.0f", measured->StartsPerSecond()) : "-",
                            Milliseconds(measured->CpuPerStart()),
                            absl::StrCat(measured->times.latencies.size())});
    }
  }
  return table;
}

Table PeerTable(const Report& report) {
  Table table = {"Times that the peer's p50 is Cloister's", {"", ""}, {}};
  const std::string peers[] = {kBwrap, kCrun, kRunc};
  const std::string ours[] = {kExecutor, kFrontend};
  for (const std::string& our : ours) {
    for (const std::string& peer : peers) table.headings.push_back(absl::StrCat(peer, "/", our));
  }
  for (const Pattern& pattern : report.patterns) {
    for (const int mounts : report.extra_mounts) {
      std::vector<std::string> row = {pattern.words, MountWords(mounts)};
      for (const std::string& our : ours) {
        for (const std::string& peer : peers) {
          row.push_back(Ratio(Find(report.measurements, peer, pattern.name, mounts),
                              Find(report.measurements, our, pattern.name, mounts)));
        }
      }
      table.rows.push_back(row);
    }
  }
  return table;
}

Table GrowthTable(const Report& report, int extra_mounts) {
  Table table = {
      absl::StrCat("Times that p50 with ", extra_mounts, " extra mounts is p50 without"), {""}, {}};
  for (const Pattern& pattern : report.patterns) table.headings.push_back(pattern.words);
  for (const std::string& contender : report.contenders) {
    std::vector<std::string> row = {contender};
    for (const Pattern& pattern : report.patterns) {
      row.push_back(Ratio(Find(report.measurements, contender, pattern.name, extra_mounts),
                          Find(report.measurements, contender, pattern.name, 0)));
    }
    table.rows.push_back(row);
  }
  return table;
}

std::vector<Table> Tables(const Report& report) {
  std::vector<Table> tables;
  for (const Pattern& pattern : report.patterns) tables.push_back(PatternTable(report, pattern));
  tables.push_back(PeerTable(report));
  const std::vector<int>& counts = report.extra_mounts;
  if (std::find(counts.begin(), counts.end(), 0) != counts.end()) {
    for (const int count : counts) {
      if (count != 0) tables.push_back(GrowthTable(report, count));
    }
  }
  return tables;
}

std::string PlainTable(const Table& table) {
  std::vector<size_t> widths;
  for (size_t column = 0; column < table.headings.size(); ++column) {
    size_t width = table.headings[column].size();
    for (const auto& row : table.rows) width = std::max(width, row[column].size());
    widths.push_back(width);
  }
  std::string text = absl::StrCat(table.title, "\n");
  const auto add = [&](const std::vector<std::string>& row) {
    for (size_t column = 0; column < row.size(); ++column) {
      const int width = static_cast<int>(widths[column]);
      absl::StrAppendFormat(&text, "  %*s", column == 0 ? -width : width, row[column]);
    }
    absl::StrAppend(&text, "\n");
  };
  add(table.headings);
  for (const auto& row : table.rows) add(row);
  return text;
}

std::string MarkdownTable(const Table& table) {
  std::vector<std::string> rule = {"---"};
  rule.resize(table.headings.size(), "---:");
  std::string text =
      absl::StrCat("**", table.title, "**\n\n| ", absl::StrJoin(table.headings, " | "), " |\n| ",
                   absl::StrJoin(rule, " | "), " |\n");
  for (const auto& row : table.rows)
    absl::StrAppend(&text, "| ", absl::StrJoin(row, " | "), " |\n");
  return text;
}

std::string JsonMeasurement(const Measurement& measurement) {
  const auto ms = [&](double share) {
    return absl::ToDoubleMilliseconds(measurement.Quantile(share));
  };
  return JsonObject()
      .AddString("contender", measurement.contender)
      .AddString("pattern", measurement.pattern)
      .AddNumber("extra_mounts", static_cast<uint64_t>(measurement.extra_mounts))
      .AddNumber("starts", measurement.times.latencies.size())
      .AddReal("p50_ms", ms(0.5))
      .AddReal("p90_ms", ms(0.9))
      .AddReal("p99_ms", ms(0.99))
      .AddReal("max_ms", ms(1))
      .AddReal("after_p50_ms",
               absl::ToDoubleMilliseconds(QuantileOf(measurement.times.afterwards, 0.5)))
      .AddReal("starts_per_second", measurement.StartsPerSecond())
      .AddReal("cpu_ms_per_start", absl::ToDoubleMilliseconds(measurement.CpuPerStart()))
      .ToString();
}

}  // namespace

std::string PlainReport(const Report& report) {
  std::string text;
  for (const auto& fact : report.facts) {
    absl::StrAppendFormat(&text, "%-12s %s\n", fact.first, fact.second);
  }
  for (const Table& table : Tables(report)) absl::StrAppend(&text, "\n", PlainTable(table));
  return text;
}

std::string MarkdownReport(const Report& report) {
  std::vector<std::string> facts;
  for (const auto& fact : report.facts) {
    facts.push_back(absl::StrCat(fact.first, ": ", fact.second));
  }
  std::string text = absl::StrCat(absl::StrJoin(facts, " · "), "\n");
  for (const Table& table : Tables(report)) absl::StrAppend(&text, "\n", MarkdownTable(table));
  return text;
}

std::string JsonReport(const Report& report) {
  JsonObject facts;
  for (const auto& fact : report.facts) facts.AddString(fact.first, fact.second);
  std::vector<std::string> measurements;
  for (const Measurement& measurement : report.measurements) {
    measurements.push_back(JsonMeasurement(measurement));
  }
  return JsonObject()
             .Add("facts", facts.ToString())
             .Add("measurements", JsonArray(measurements))
             .ToString() +
         "\n";
}

}  // namespace cloister::bench
