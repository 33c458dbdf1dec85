#include "libs/launch/seccomp_programs.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"

namespace cloister {
namespace launch {
namespace {

struct Instructions {
  std::vector<sock_filter> list;
  sock_fprog header;
};

// Leaves `program` empty for no bytes.
absl::Status Read(const std::string& hash, absl::string_view bytes, Instructions* program) {
  const size_t count = bytes.size() / sizeof(sock_filter);
  if (count > BPF_MAXINSNS || bytes.size() % sizeof(sock_filter) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("seccomp program '", hash, "' of ", bytes.size(), " bytes is none"));
  }
  program->list.resize(count);
  std::memcpy(program->list.data(), bytes.data(), bytes.size());
  program->header = {static_cast<unsigned short>(count), program->list.data()};
  return absl::OkStatus();
}

}  // namespace

struct SeccompPrograms::Entry {
  Instructions whole;
  Instructions inherited;
  Instructions closing;
  SeccompProgram program;
};

SeccompPrograms::SeccompPrograms() = default;
SeccompPrograms::~SeccompPrograms() = default;

absl::Status SeccompPrograms::Add(const internal::AddSeccompProgram& added) {
  auto entry = std::make_unique<Entry>();
  CLOISTER_RETURN_IF_ERROR(Read(added.hash(), added.program(), &entry->whole));
  CLOISTER_RETURN_IF_ERROR(Read(added.hash(), added.inherited_program(), &entry->inherited));
  CLOISTER_RETURN_IF_ERROR(Read(added.hash(), added.closing_program(), &entry->closing));
  const bool split = !entry->inherited.list.empty();
  if (added.hash().empty() || entry->whole.list.empty() || split == entry->closing.list.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("seccomp program '", added.hash(), "' has not all of its parts"));
  }
  entry->program = {&entry->whole.header, split ? &entry->inherited.header : nullptr,
                    split ? &entry->closing.header : nullptr};
  absl::MutexLock lock(&mutex_);
  programs_.emplace(added.hash(), std::move(entry));
  return absl::OkStatus();
}

const SeccompProgram* SeccompPrograms::Find(const std::string& hash) const {
  absl::MutexLock lock(&mutex_);
  const auto found = programs_.find(hash);
  return found == programs_.end() ? nullptr : &found->second->program;
}

}  // namespace launch
}  // namespace cloister
