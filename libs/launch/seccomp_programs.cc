#include "libs/launch/seccomp_programs.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace cloister {
namespace launch {

struct SeccompPrograms::Program {
  std::vector<sock_filter> instructions;
  sock_fprog header;
};

SeccompPrograms::SeccompPrograms() = default;
SeccompPrograms::~SeccompPrograms() = default;

absl::Status SeccompPrograms::Add(const std::string& hash, absl::string_view bytes) {
  const size_t count = bytes.size() / sizeof(sock_filter);
  if (hash.empty() || count == 0 || count > BPF_MAXINSNS ||
      bytes.size() % sizeof(sock_filter) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("seccomp program '", hash, "' of ", bytes.size(), " bytes is none"));
  }
  auto program = std::make_unique<Program>();
  program->instructions.resize(count);
  std::memcpy(program->instructions.data(), bytes.data(), bytes.size());
  program->header = {static_cast<unsigned short>(count), program->instructions.data()};
  absl::MutexLock lock(&mutex_);
  programs_.emplace(hash, std::move(program));
  return absl::OkStatus();
}

const void* SeccompPrograms::Find(const std::string& hash) const {
  absl::MutexLock lock(&mutex_);
  const auto found = programs_.find(hash);
  return found == programs_.end() ? nullptr : &found->second->header;
}

}  // namespace launch
}  // namespace cloister
