#include "libs/jobspec/field_places.h"

namespace cloister::jobspec {

absl::optional<hcl::SourceRange> FieldPlaces::Find(absl::string_view field) const {
  while (!field.empty()) {
    const auto found = places_.find(field);
    if (found != places_.end()) return found->second;
    const size_t cut = field.find_last_of(".[");
    field = cut == absl::string_view::npos ? absl::string_view() : field.substr(0, cut);
  }
  return absl::nullopt;
}

}  // namespace cloister::jobspec
