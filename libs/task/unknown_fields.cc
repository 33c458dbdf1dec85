#include "libs/task/unknown_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/unknown_field_set.h"

namespace cloister::task {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void Collect(const Message& message, absl::string_view prefix, std::vector<std::string>* paths) {
  const auto add = [paths](std::string path) {
    if (std::find(paths->begin(), paths->end(), path) == paths->end()) {
      paths->push_back(std::move(path));
    }
  };
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    add(absl::StrCat(prefix, unknown.field(i).number()));
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string inner = absl::StrCat(prefix, field->name(), ".");
    if (!field->is_repeated()) {
      Collect(reflection.GetMessage(message, field), inner, paths);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      Collect(reflection.GetRepeatedMessage(message, field, i), inner, paths);
    }
  }
}

}  // namespace

std::vector<std::string> UnknownFieldPaths(const Message& message) {
  std::vector<std::string> paths;
  Collect(message, "", &paths);
  return paths;
}

}  // namespace cloister::task
