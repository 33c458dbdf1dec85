// Every attribute and block of Nomad's job specification, and of ours, with what becomes of it: the
// one table that reading, messages and docs/task-reference.md are made of.
#ifndef CLOISTER_LIBS_JOBSPEC_ITEM_TABLE_H_
#define CLOISTER_LIBS_JOBSPEC_ITEM_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/hcl/content.h"

namespace cloister::jobspec {

enum class Disposition {
  // The task is made by it.
  kHonoured,
  // It says where or when a task runs, which whoever runs the file has decided: noticed, listed by
  // `validate`, and without effect.
  kSchedulerOnly,
  // An error that names it.
  kRefused,
  // Read into the task's configuration, which this version's executor refuses by name.
  kReadAndRefused,
};

enum class ItemKind {
  kAttribute,
  kBlock,
  kMap,  // `name { ... }` or `name = { ... }`; the keys are the user's.
};

struct Item {
  // The block it stands in: "job", "resources". "file" is the file itself.
  absl::string_view block;
  absl::string_view name;
  ItemKind kind;
  Disposition disposition;
  // What it does, or why it does nothing; continues "name: ". For the reference and for messages.
  absl::string_view note;
  // Name of the label that the block has; empty: none.
  absl::string_view label = "";
};

// All, grouped by block.
absl::Span<const Item> AllItems();

// The item, or null if the block has none of the name.
const Item* FindItem(absl::string_view block, absl::string_view name);

// What may stand in the block.
hcl::BodySchema SchemaOf(absl::string_view block);

// A sentence for an item that is refused: "\"network\" blocks are not available yet: ...".
std::string Refusal(const Item& item);

// Of a field of TaskConfig that a server refuses as not available: the item that it was read from.
// Null if there is none.
const Item* FindUnavailable(absl::string_view field);

// "honoured", "scheduler-only", "refused".
absl::string_view DispositionInWords(Disposition disposition);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_ITEM_TABLE_H_
