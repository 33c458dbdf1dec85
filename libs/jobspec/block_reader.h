// One block of a job file, read by its rows of the table: what is not honoured is said when the
// reader is made, what is, is asked for by name.
#ifndef CLOISTER_LIBS_JOBSPEC_BLOCK_READER_H_
#define CLOISTER_LIBS_JOBSPEC_BLOCK_READER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/jobspec/field_places.h"

namespace cloister::jobspec {

// What all blocks of a file share.
struct Reading {
  hcl::EvaluationScope* scope;
  hcl::Diagnostics* diagnostics;
  FieldPlaces* places;
  // Whether all of the file could be parsed. If not, what is missing may stand in the rest.
  bool is_whole = true;
};

// The errors of values are diagnosed, and the value is none. `field` is the field's path in
// TaskConfig, whose place is noted; empty for what is in no field.
class BlockReader {
 public:
  // `block` is the name in the table. Notices, refusals and unknown names are diagnosed here.
  BlockReader(absl::string_view block, const hcl::Body& body, const Reading& reading);

  const hcl::BodyContent& content() const { return content_; }
  const Reading& reading() const { return reading_; }

  // Text that the node interpolates: references to what only it knows stay in it.
  absl::optional<std::string> InterpolatedText(absl::string_view name, absl::string_view field);
  // Text that is used as it is.
  absl::optional<std::string> Text(absl::string_view name, absl::string_view field);
  absl::optional<bool> Bool(absl::string_view name, absl::string_view field);
  absl::optional<int64_t> Integer(absl::string_view name, absl::string_view field);
  // "5s", "1m30s", as the job specification writes them.
  absl::optional<absl::Duration> Duration(absl::string_view name, absl::string_view field);
  // Elements are of the field's path with an index.
  std::vector<std::string> TextList(absl::string_view name, absl::string_view field,
                                    bool interpolated);

  using TextMap = std::map<std::string, std::string>;
  // `name { ... }` or `name = { ... }`, all that there are together; a key given twice is an error.
  TextMap Map(absl::string_view name, absl::string_view field, bool interpolated);

  // Each block of the type, in order.
  void ForEach(absl::string_view type, const std::function<void(const hcl::Block&)>& read);

  // Diagnoses an attribute that is required and not there.
  void Require(absl::string_view name);

  void Error(absl::string_view summary, absl::string_view detail, const hcl::SourceRange& place) {
    reading_.diagnostics->AddError(summary, detail, place);
  }

 private:
  void JudgeAttributes();
  void JudgeBlocks();
  const hcl::Attribute* Find(absl::string_view name, absl::string_view field);
  absl::optional<std::string> Evaluated(const hcl::Attribute& attribute, bool interpolated);
  absl::optional<std::string> Plain(const hcl::Attribute& attribute, const std::string& text,
                                    bool deferred);
  void AddMapBlock(const hcl::Block& block, absl::string_view field, bool interpolated,
                   TextMap* map);

  const std::string block_;
  const Reading reading_;
  hcl::BodyContent content_;
};

// "must be x" as "Must be x.": for messages.
std::string AsSentence(absl::string_view words);

// "group \"web\"": for messages.
std::string BlockInWords(const hcl::Block& block);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_BLOCK_READER_H_
