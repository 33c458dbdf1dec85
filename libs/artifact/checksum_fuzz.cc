// Reads the input as a checksum, and as a file's path and a list of checksums after it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/artifact/checksum.h"

namespace cloister::artifact {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

// What is found reads back as itself.
void CheckDigest(const Checksum& checksum) {
  const absl::StatusOr<ChecksumText> again = ParseChecksum(checksum.ToString());
  Check(again.ok() && again->digest && *again->digest == checksum);
}

void Run(absl::string_view text) {
  if (const absl::StatusOr<ChecksumText> parsed = ParseChecksum(text); parsed.ok()) {
    Check(parsed->digest.has_value() != !parsed->list_source.empty());
    if (parsed->digest) CheckDigest(*parsed->digest);
  }
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return;
  const absl::StatusOr<Checksum> found =
      FindInChecksumList(text.substr(end + 1), text.substr(0, end));
  if (found.ok()) CheckDigest(*found);
}

}  // namespace
}  // namespace cloister::artifact

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cloister::artifact::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
