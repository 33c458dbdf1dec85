#include "libs/jobspec/item_table.h"

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::jobspec {
namespace {

using Key = std::pair<std::string, std::string>;

TEST(ItemTable, NoNameStandsTwiceInABlock) {
  std::set<Key> seen;
  for (const Item& item : AllItems()) {
    EXPECT_TRUE(seen.emplace(item.block, item.name).second) << item.block << "." << item.name;
    EXPECT_FALSE(item.note.empty()) << item.name;
  }
}

TEST(ItemTable, WhatIsHonouredOrReadHasABlockOfItsOwnInTheTable) {
  std::set<std::string> blocks;
  for (const Item& item : AllItems()) blocks.emplace(item.block);
  for (const Item& item : AllItems()) {
    const bool is_read = item.disposition == Disposition::kHonoured ||
                         item.disposition == Disposition::kReadAndRefused;
    // The variables' own are hcl's.
    if (item.kind != ItemKind::kBlock || !is_read || item.name == "variable") continue;
    EXPECT_EQ(blocks.count(std::string(item.name)), 1u) << item.name;
  }
}

// In docs/task-reference.md each block has a heading "### `block`", and each item a row
// "| `name` | disposition | ...".
std::map<Key, std::string> DocumentedDispositions() {
  std::ifstream file("docs/task-reference.md");
  EXPECT_TRUE(file.is_open());
  std::map<Key, std::string> documented;
  std::string block;
  for (std::string line; std::getline(file, line);) {
    absl::string_view text = line;
    if (absl::ConsumePrefix(&text, "### `")) {
      block = std::string(text.substr(0, text.find('`')));
    } else if (absl::ConsumePrefix(&text, "#")) {
      block.clear();
    } else if (!block.empty() && absl::ConsumePrefix(&text, "| `")) {
      const std::string name(text.substr(0, text.find('`')));
      const std::vector<std::string> cells = absl::StrSplit(text, '|');
      documented[{block, name}] = std::string(absl::StripAsciiWhitespace(cells[1]));
    }
  }
  return documented;
}

TEST(ItemTable, TheReferenceNamesEveryItemWithWhatBecomesOfItAndNoOther) {
  std::map<Key, std::string> table;
  for (const Item& item : AllItems()) {
    table[{std::string(item.block), std::string(item.name)}] =
        std::string(DispositionInWords(item.disposition));
  }
  const std::map<Key, std::string> documented = DocumentedDispositions();
  for (const auto& [key, disposition] : table) {
    const auto found = documented.find(key);
    if (found == documented.end()) {
      ADD_FAILURE() << "docs/task-reference.md lacks " << key.first << "." << key.second;
    } else {
      EXPECT_EQ(found->second, disposition) << key.first << "." << key.second;
    }
  }
  for (const auto& [key, disposition] : documented) {
    EXPECT_EQ(table.count(key), 1u) << "not in the table: " << key.first << "." << key.second;
  }
}

}  // namespace
}  // namespace cloister::jobspec
