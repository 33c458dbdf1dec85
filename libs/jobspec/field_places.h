// Where in a file the fields of a message came from, so that what is wrong with a field can be
// shown in the file.
#ifndef CLOISTER_LIBS_JOBSPEC_FIELD_PLACES_H_
#define CLOISTER_LIBS_JOBSPEC_FIELD_PLACES_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/hcl/source.h"

namespace cloister::jobspec {

class FieldPlaces {
 public:
  // `field` is a path as in violations: "config.args[1]", "env[NAME]". The first place counts.
  void Add(absl::string_view field, const hcl::SourceRange& place) {
    places_.emplace(std::string(field), place);
  }

  // The place of the field, or of the nearest that holds it: of "config.args" for "config.args[7]".
  // None if the file has nothing of it.
  absl::optional<hcl::SourceRange> Find(absl::string_view field) const;

 private:
  std::map<std::string, hcl::SourceRange, std::less<>> places_;
};

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_FIELD_PLACES_H_
