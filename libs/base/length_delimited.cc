#include "libs/base/length_delimited.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace cloister {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

bool ConsumeVarint(absl::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool Skip(size_t count, absl::string_view* bytes) {
  if (bytes->size() < count) return false;
  bytes->remove_prefix(count);
  return true;
}

}  // namespace

void AppendLengthDelimited(int number, absl::string_view bytes, std::string* out) {
  AppendVarint(static_cast<uint64_t>(number) << 3 | kLengthDelimited, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

bool VisitLengthDelimited(absl::string_view message,
                          absl::FunctionRef<void(int number, absl::string_view bytes)> visit) {
  while (!message.empty()) {
    uint64_t tag = 0;
    uint64_t value = 0;
    if (!ConsumeVarint(&message, &tag)) return false;
    switch (tag & 7) {
      case kVarint:
        if (!ConsumeVarint(&message, &value)) return false;
        break;
      case kFixed64:
        if (!Skip(8, &message)) return false;
        break;
      case kFixed32:
        if (!Skip(4, &message)) return false;
        break;
      case kLengthDelimited: {
        if (!ConsumeVarint(&message, &value) || value > message.size()) return false;
        visit(static_cast<int>(tag >> 3), message.substr(0, value));
        message.remove_prefix(value);
        break;
      }
      default:
        return false;
    }
  }
  return true;
}

}  // namespace cloister
