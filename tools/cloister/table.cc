#include "tools/cloister/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace cloister {
namespace {

constexpr size_t kGap = 2;

// Characters, not bytes: continuation bytes of UTF-8 take no room.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// The longest beginning of `text` of at most `width` characters, with "..." when something is
// missing.
std::string Cut(const std::string& text, size_t width) {
  if (Width(text) <= width || width < 4) return text;
  size_t bytes = 0;
  size_t characters = 0;
  while (bytes < text.size()) {
    const bool starts = (static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80;
    if (starts && characters == width - 3) break;
    if (starts) ++characters;
    ++bytes;
  }
  return absl::StrCat(text.substr(0, bytes), "...");
}

}  // namespace

Table::Table(std::vector<std::string> headings) {
  std::vector<Cell> row;
  for (std::string& heading : headings) row.emplace_back(std::move(heading), Color::kBold);
  rows_.push_back(std::move(row));
}

void Table::AddRow(std::vector<Cell> row) {
  for (Cell& cell : row) cell.text = Printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::ToString(const Terminal& terminal) const {
  std::vector<size_t> widths(rows_[0].size(), 0);
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(row[i].text));
  }
  std::string out;
  for (const std::vector<Cell>& row : rows_) {
    size_t used = 0;
    size_t pending = 0;  // Blanks are written only when something follows them.
    for (size_t i = 0; i < widths.size(); ++i) {
      const bool is_last = i + 1 == widths.size();
      std::string text = row[i].text;
      if (is_last && terminal.is_terminal) {
        const size_t left = used + pending;
        text = Cut(text, terminal.columns > left ? terminal.columns - left : 0);
      }
      if (!text.empty()) {
        absl::StrAppend(&out, std::string(pending, ' '), terminal.Paint(row[i].color, text));
        used += pending + Width(text);
        pending = 0;
      }
      pending += widths[i] - std::min(widths[i], Width(text)) + kGap;
    }
    absl::StrAppend(&out, "\n");
  }
  return out;
}

void Fields::Add(std::string name, std::string value, Color color) {
  if (value.empty()) return;
  fields_.emplace_back(std::move(name), Cell(Printable(value), color));
}

std::string Fields::ToString(const Terminal& terminal) const {
  size_t widest = 0;
  for (const auto& field : fields_) widest = std::max(widest, Width(field.first));
  std::string out;
  for (const auto& field : fields_) {
    absl::StrAppend(&out, field.first, ":", std::string(widest - Width(field.first) + kGap, ' '),
                    terminal.Paint(field.second.color, field.second.text), "\n");
  }
  return out;
}

}  // namespace cloister
