// "${name}" in a task's texts: how it is written, what it may stand for, and its replacement. Pure.
//
// A name is attr.*, node.* or meta.* (the node's, as `cloister node status` lists them), or a
// variable of the task's environment: NOMAD_TASK_DIR, env.NAME, env["NAME"]. The part behind the
// first dot can be put in brackets and quotes: meta["my rack"]. "$${" stands for "${". Nothing of
// the node's own environment can be reached.
#ifndef CLOISTER_LIBS_TASK_REFERENCES_H_
#define CLOISTER_LIBS_TASK_REFERENCES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::task {

using Names = std::map<std::string, std::string>;

// A text in pieces, in order.
struct TextPiece {
  bool is_reference = false;
  // A name in its form with dots, or text as it is.
  std::string text;
};

// INVALID_ARGUMENT for a "${" that begins no reference; the sentence says how to write one.
absl::StatusOr<std::vector<TextPiece>> SplitReferences(absl::string_view text);

// True where SplitReferences has anything to do.
bool HasReferences(absl::string_view text);

class NameTable {
 public:
  // `node`: values by full name, "attr.kernel.name". `environment`: by variable. Both outlive the
  // table.
  NameTable(const Names* node, const Names* environment) : node_(node), environment_(environment) {}

  // Null if there is none of this name.
  const std::string* Find(absl::string_view name) const;

  // Why there is none, with the name that may be meant.
  std::string Unknown(absl::string_view name) const;

 private:
  const Names* node_;
  const Names* environment_;
};

// The text with every reference replaced, once: what comes in is not looked at again.
// INVALID_ARGUMENT for a malformed reference, for unknown names, and for a result over `max_bytes`,
// which is never built.
absl::StatusOr<std::string> ReplaceReferences(absl::string_view text, const NameTable& names,
                                              size_t max_bytes);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_REFERENCES_H_
