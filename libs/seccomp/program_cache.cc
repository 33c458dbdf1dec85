#include "libs/seccomp/program_cache.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/seccomp/profile.h"

namespace cloister::seccomp {

absl::StatusOr<std::shared_ptr<const CompiledProfile>> ProgramCache::Get(
    const internal::SeccompFilter& filter) {
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<const CompiledProfile>& program = programs_[filter.hash()];
  if (program != nullptr) return program;
  const Profile profile = MakeDefaultProfile(filter.capabilities(), filter.host_pids());
  if (filter.profile() != profile.name || filter.hash() != ProfileHash(profile)) {
    return absl::FailedPreconditionError(absl::StrCat("seccomp profile '", filter.profile(), "' ",
                                                      filter.hash(), " is of another version"));
  }
  CompiledProfile compiled;
  CLOISTER_ASSIGN_OR_RETURN(compiled.whole, Compile(profile));
  CLOISTER_ASSIGN_OR_RETURN(compiled.split, CompileSplit(profile));
  program = std::make_shared<const CompiledProfile>(std::move(compiled));
  return program;
}

}  // namespace cloister::seccomp
