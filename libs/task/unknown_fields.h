// Fields of a message that this version has no name for.
#ifndef CLOISTER_LIBS_TASK_UNKNOWN_FIELDS_H_
#define CLOISTER_LIBS_TASK_UNKNOWN_FIELDS_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace cloister::task {

// Paths of all unknown fields in `message` and the messages within it, by number: "12", "config.3".
// Each once, in the order of the message's fields.
std::vector<std::string> UnknownFieldPaths(const google::protobuf::Message& message);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_UNKNOWN_FIELDS_H_
