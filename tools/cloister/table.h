// Rows under headings, each column as wide as its widest cell: what `ps` and `node ls` print.
#ifndef CLOISTER_TOOLS_CLOISTER_TABLE_H_
#define CLOISTER_TOOLS_CLOISTER_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "tools/cloister/terminal.h"

namespace cloister {

struct Cell {
  Cell(std::string text, Color color = Color::kPlain)
      : text(std::move(text)), color(color) {}  // NOLINT: a cell is its text
  Cell(const char* text) : text(text) {}        // NOLINT: a cell is its text

  std::string text;
  Color color = Color::kPlain;
};

class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  // As many cells as headings. Control characters in them are shown, not sent.
  void AddRow(std::vector<Cell> row);

  // Columns two spaces apart, no blanks at the end of a line. On a terminal the last column is cut
  // at its edge.
  std::string ToString(const Terminal& terminal) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

// "name:  value" lines with the values aligned: what `status TASK` prints.
class Fields {
 public:
  // An empty value is left out.
  void Add(std::string name, std::string value, Color color = Color::kPlain);
  std::string ToString(const Terminal& terminal) const;

 private:
  std::vector<std::pair<std::string, Cell>> fields_;
};

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_TABLE_H_
