#include "libs/rpc/page_token.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/field_violations.h"
#include "libs/base/stable_hash.h"

namespace cloister::rpc {
namespace {

// First byte of a token; another format gets another one.
constexpr char kFormat = 1;
constexpr size_t kBindingBytes = 8;
constexpr size_t kHeaderBytes = 1 + kBindingBytes;
constexpr size_t kMaxTokenBytes = 1024;

std::string Header(absl::string_view query, absl::string_view principal) {
  std::string header(1, kFormat);
  const uint64_t binding = StableHash64({query, principal});
  for (size_t i = 0; i < kBindingBytes; ++i) {
    header.push_back(static_cast<char>((binding >> (8 * i)) & 0xff));
  }
  return header;
}

}  // namespace

absl::StatusOr<size_t> PageSize(int requested) {
  if (requested < 0) {
    return InvalidArgument(
        {{"page_size",
          absl::StrCat(requested, ": must not be negative; 0 asks for ", kDefaultPageSize)}});
  }
  if (requested == 0) return kDefaultPageSize;
  return std::min(requested, kMaxPageSize);
}

std::string PageQuery(const google::protobuf::Message& request) {
  std::unique_ptr<google::protobuf::Message> query(request.New());
  query->CopyFrom(request);
  for (const char* name : {"page_size", "page_token"}) {
    const auto* field = query->GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) query->GetReflection()->ClearField(query.get(), field);
  }
  std::string text = query->GetDescriptor()->full_name();
  google::protobuf::io::StringOutputStream stream(&text);
  google::protobuf::io::CodedOutputStream out(&stream);
  // The order of map entries differs from run to run otherwise.
  out.SetSerializationDeterministic(true);
  query->SerializeToCodedStream(&out);
  out.Trim();
  return text;
}

std::string MakePageToken(absl::string_view last_key, absl::string_view query,
                          absl::string_view principal) {
  return absl::WebSafeBase64Escape(absl::StrCat(Header(query, principal), last_key));
}

absl::StatusOr<std::string> ParsePageToken(absl::string_view token, absl::string_view query,
                                           absl::string_view principal) {
  if (token.empty()) return "";
  std::string bytes;
  if (token.size() > kMaxTokenBytes || !absl::WebSafeBase64Unescape(token, &bytes) ||
      bytes.size() <= kHeaderBytes || bytes[0] != kFormat) {
    return InvalidArgument({{"page_token", "not a token that this call has given"}});
  }
  if (bytes.substr(0, kHeaderBytes) != Header(query, principal)) {
    return InvalidArgument(
        {{"page_token",
          "was given for another list: repeat the request with nothing changed but "
          "page_token and page_size"}});
  }
  return bytes.substr(kHeaderBytes);
}

}  // namespace cloister::rpc
