#include "tools/cloister/table.h"

#include "gtest/gtest.h"

namespace cloister {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({"TASK", "NAME", "COMMAND"});
  table.AddRow({"abcdef", "", "/bin/true"});
  table.AddRow({"g",
                "gr\xc3\xbc\xc3\x9f"
                "e",
                ""});
  EXPECT_EQ(table.ToString(Terminal()),
            "TASK    NAME   COMMAND\n"
            "abcdef         /bin/true\n"
            "g       gr\xc3\xbc\xc3\x9f"
            "e\n");
}

TEST(Table, ShowsControlCharactersOfATasksWords) {
  Table table({"NAME"});
  table.AddRow({"\x1b[2J"});
  EXPECT_EQ(table.ToString(Terminal()), "NAME\n\\x1b[2J\n");
}

TEST(Table, CutsTheLastColumnAtTheEdgeOfATerminalOnly) {
  Terminal terminal;
  terminal.is_terminal = true;
  terminal.columns = 12;
  Table table({"A", "COMMAND"});
  table.AddRow({"x", "0123456789abcdef"});
  EXPECT_EQ(table.ToString(terminal), "A  COMMAND\nx  012345...\n");
  EXPECT_EQ(table.ToString(Terminal()), "A  COMMAND\nx  0123456789abcdef\n");
}

TEST(Table, ColorsDoNotChangeTheAlignment) {
  Terminal terminal;
  terminal.colors = true;
  Table table({"STATE", "X"});
  table.AddRow({Cell("lost", Color::kRed), "y"});
  EXPECT_EQ(table.ToString(terminal),
            "\x1b[1mSTATE\x1b[0m  \x1b[1mX\x1b[0m\n\x1b[31mlost\x1b[0m   y\n");
}

TEST(Fields, AlignsValuesAndLeavesEmptyOnesOut) {
  Fields fields;
  fields.Add("task", "abc");
  fields.Add("name", "");
  fields.Add("exit code", "7");
  EXPECT_EQ(fields.ToString(Terminal()), "task:       abc\nexit code:  7\n");
}

}  // namespace
}  // namespace cloister
