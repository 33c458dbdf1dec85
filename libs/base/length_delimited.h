// The one shape of the protocol buffer wire format that error details need: length-delimited
// fields (strings, bytes, messages). Lets tier 1 write and read google.rpc details as status
// payloads without depending on protocol buffers.
//
// Source: https://protobuf.dev/programming-guides/encoding

#ifndef CLOISTER_LIBS_BASE_LENGTH_DELIMITED_H_
#define CLOISTER_LIBS_BASE_LENGTH_DELIMITED_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace cloister {

// Appends field `number` (1 to 15) with these bytes to the message in `out`.
void AppendLengthDelimited(int number, absl::string_view bytes, std::string* out);

// Calls `visit` with each length-delimited field of `message`, in order; fields of other wire types
// are skipped. False if the bytes are no message; fields before the fault were visited then.
bool VisitLengthDelimited(absl::string_view message,
                          absl::FunctionRef<void(int number, absl::string_view bytes)> visit);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_LENGTH_DELIMITED_H_
