// base64decode, base64encode, csvdecode, jsondecode, jsonencode, md5, sha1, sha256, sha512,
// urlencode
#include <openssl/evp.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/json_text.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

// Of what jsondecode reads.
constexpr int kJsonDepth = 50;

absl::StatusOr<Value> Base64Encode(const FunctionCall& call) {
  return Value::String(absl::Base64Escape(call.arguments[0].text()));
}

absl::StatusOr<Value> Base64Decode(const FunctionCall& call) {
  std::string decoded;
  if (!absl::Base64Unescape(call.arguments[0].text(), &decoded)) {
    return absl::InvalidArgumentError("the text is not base64.");
  }
  if (FindInvalidUtf8(decoded) || decoded.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("what the text decodes to is no text in UTF-8.");
  }
  return Value::String(std::move(decoded));
}

absl::StatusOr<Value> UrlEncode(const FunctionCall& call) {
  std::string result;
  for (const char c : call.arguments[0].text()) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      result += c;
    } else if (c == ' ') {
      result += '+';
    } else {
      absl::StrAppendFormat(&result, "%%%02X", static_cast<uint8_t>(c));
    }
  }
  return Value::String(std::move(result));
}

absl::StatusOr<Value> JsonEncode(const FunctionCall& call) {
  return Value::String(JsonText(call.arguments[0]));
}

absl::StatusOr<Value> JsonDecode(const FunctionCall& call) {
  const std::string& text = call.arguments[0].text();
  // Each two bytes may be a value.
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(text.size() * Value().weight() / 2));
  return ValueFromJson(text, kJsonDepth);
}

// --- CSV (RFC 4180) ------------------------------------------------------------------------------

class CsvReader {
 public:
  explicit CsvReader(absl::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  absl::StatusOr<std::vector<std::string>> ReadRow() {
    std::vector<std::string> row;
    while (true) {
      CLOISTER_ASSIGN_OR_RETURN(std::string field, ReadField());
      row.push_back(std::move(field));
      if (Accept(",")) continue;
      if (Accept("\r\n") || Accept("\n") || rest_.empty()) return row;
      return absl::InvalidArgumentError("in the CSV text, something stands behind a quoted field.");
    }
  }

 private:
  bool Accept(absl::string_view text) {
    if (rest_.substr(0, text.size()) != text) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  absl::StatusOr<std::string> ReadField() {
    std::string field;
    if (!Accept("\"")) {
      while (!rest_.empty() && rest_[0] != ',' && rest_[0] != '\n' &&
             rest_.substr(0, 2) != "\r\n") {
        if (rest_[0] == '"') {
          return absl::InvalidArgumentError(
              "in the CSV text, a quote stands in a field without quotes.");
        }
        field += rest_[0];
        rest_.remove_prefix(1);
      }
      return field;
    }
    while (!rest_.empty()) {
      if (Accept("\"\"")) {
        field += '"';
      } else if (Accept("\"")) {
        return field;
      } else {
        field += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return absl::InvalidArgumentError("in the CSV text, a quoted field has no end.");
  }

  absl::string_view rest_;
};

absl::StatusOr<Value> CsvDecode(const FunctionCall& call) {
  CsvReader reader(call.arguments[0].text());
  if (reader.AtEnd()) return absl::InvalidArgumentError("the CSV text has no header line.");
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, reader.ReadRow());
  Value::Elements rows;
  while (!reader.AtEnd()) {
    CLOISTER_ASSIGN_OR_RETURN(std::vector<std::string> row, reader.ReadRow());
    if (row.size() == 1 && row[0].empty()) continue;  // An empty line.
    if (row.size() != names.size()) {
      return absl::InvalidArgumentError(absl::StrCat("row ", rows.size() + 1,
                                                     " of the CSV text has ", row.size(),
                                                     " fields, the header ", names.size(), "."));
    }
    Value::Attributes attributes;
    for (size_t i = 0; i < row.size(); ++i) {
      CLOISTER_RETURN_IF_ERROR(
          call.budget->Spend(names[i].size() + row[i].size() + Value().weight()));
      if (!attributes.emplace(names[i], Value::String(std::move(row[i]))).second) {
        return absl::InvalidArgumentError("two columns of the CSV text have the same name.");
      }
    }
    rows.push_back(Value::Object(std::move(attributes)));
  }
  return Value::Tuple(std::move(rows));
}

// --- Digests -------------------------------------------------------------------------------------

absl::StatusOr<Value> Digest(const EVP_MD* algorithm, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, algorithm, nullptr) != 1) {
    return absl::InternalError("this machine's OpenSSL does not provide the digest.");
  }
  return Value::String(
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size)));
}

absl::StatusOr<Value> Md5(const FunctionCall& call) {
  return Digest(EVP_md5(), call.arguments[0].text());
}
absl::StatusOr<Value> Sha1(const FunctionCall& call) {
  return Digest(EVP_sha1(), call.arguments[0].text());
}
absl::StatusOr<Value> Sha256(const FunctionCall& call) {
  return Digest(EVP_sha256(), call.arguments[0].text());
}
absl::StatusOr<Value> Sha512(const FunctionCall& call) {
  return Digest(EVP_sha512(), call.arguments[0].text());
}

constexpr Function kFunctions[] = {
    {"base64decode", "base64decode(text)", "s", Base64Decode},
    {"base64encode", "base64encode(text)", "s", Base64Encode},
    {"csvdecode", "csvdecode(text)", "s", CsvDecode},
    {"jsondecode", "jsondecode(text)", "s", JsonDecode},
    {"jsonencode", "jsonencode(value)", ".", JsonEncode},
    {"md5", "md5(text)", "s", Md5},
    {"sha1", "sha1(text)", "s", Sha1},
    {"sha256", "sha256(text)", "s", Sha256},
    {"sha512", "sha512(text)", "s", Sha512},
    {"urlencode", "urlencode(text)", "s", UrlEncode},
};

}  // namespace

absl::Span<const Function> EncodingFunctions() { return kFunctions; }

}  // namespace cloister::hcl
