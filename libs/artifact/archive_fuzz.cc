// Unpacks the input, whose first byte chooses the format, within small limits. Whatever comes out
// must be a tree that would be adopted, and nothing may lie beside it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/artifact/adopt_tree.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/unpack.h"

namespace cloister::artifact {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void Run(absl::string_view bytes) {
  if (bytes.empty()) return;
  const auto format = static_cast<ArchiveFormat>(static_cast<unsigned char>(bytes[0]) % 10);
  const ScratchDirectory place;
  place.MakeDirectory("out");
  UnpackOptions options;
  options.limits.bytes = 1 << 20;
  options.limits.files = 64;
  options.limits.depth = 8;
  options.limits.deadline = absl::Seconds(5);
  options.single_file_name = "file";
  const OwnedFd out = place.Open("out");
  const auto report = Unpack(FileOf(bytes.substr(1)).get(), format, out.get(), options);
  const auto facts = AdoptTree(out.get(), {});
  Check(facts.ok() && facts->files <= 64);
  if (report.ok()) Check(facts->files <= report->files + report->links);
  for (const auto& [path, shown] : place.List())
    Check(path == "out" || path.compare(0, 4, "out/") == 0);
}

}  // namespace
}  // namespace cloister::artifact

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cloister::artifact::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
