// Reads the input as what a git server sends: its references over ssh and over HTTP, and a pack; in
// one piece and byte by byte, with the same result.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/artifact/git_protocol.h"

namespace cloister::artifact {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void ReadReferences(absl::string_view bytes, bool http) {
  AdvertisementReader whole(http);
  const absl::StatusOr<bool> result = whole.Feed(bytes);
  AdvertisementReader slow(http);
  absl::StatusOr<bool> last = false;
  for (size_t i = 0; i < bytes.size() && last.ok(); ++i) last = slow.Feed(bytes.substr(i, 1));
  Check(result.ok() == last.ok());
  if (!result.ok()) return;
  Check(*result == *last);
  Check(whole.advertisement().refs == slow.advertisement().refs);
  for (const auto& ref : whole.advertisement().refs) Check(IsGitId(ref.second));
  const absl::StatusOr<GitWant> want = ChooseWant(whole.advertisement(), "");
  if (!want.ok()) return;
  const absl::StatusOr<std::string> request = UploadPackRequest(whole.advertisement(), *want);
  // Nothing that the server has said goes into the request but ids.
  if (request.ok()) Check(request->find(want->id) != std::string::npos);
}

std::string ReadPack(absl::string_view bytes, bool shallow, size_t step, bool* ok) {
  std::string pack;
  PackReader reader(shallow, [&](absl::string_view piece) {
    pack.append(piece.data(), piece.size());
    return absl::OkStatus();
  });
  *ok = true;
  for (size_t i = 0; i < bytes.size() && *ok; i += step) {
    *ok = reader.Feed(bytes.substr(i, step)).ok();
  }
  return pack;
}

void Run(absl::string_view bytes) {
  ReadReferences(bytes, false);
  ReadReferences(bytes, true);
  for (const bool shallow : {false, true}) {
    bool whole_ok = false;
    bool slow_ok = false;
    const std::string whole = ReadPack(bytes, shallow, bytes.empty() ? 1 : bytes.size(), &whole_ok);
    const std::string slow = ReadPack(bytes, shallow, 1, &slow_ok);
    Check(whole_ok == slow_ok && whole == slow);
  }
}

}  // namespace
}  // namespace cloister::artifact

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cloister::artifact::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
