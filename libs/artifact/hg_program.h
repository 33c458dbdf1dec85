// Mercurial's program, as it is run over a bundle that a stranger has sent: without a network,
// without any configuration, and with nothing of the bundle's on its command line.
#ifndef CLOISTER_LIBS_ARTIFACT_HG_PROGRAM_H_
#define CLOISTER_LIBS_ARTIFACT_HG_PROGRAM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace cloister::artifact {

// Where `hg` is in this process's root: one of two fixed places, not whatever a PATH says. Empty:
// nowhere.
std::string FindHgProgram();

struct HgArchive {
  // FindHgProgram().
  std::string program;
  // A bundle of changesets that needs no others.
  std::string bundle;
  // IsHgNode. Its files, and what leads to them, are verified on reading: the id vouches for them.
  std::string node;
  // A directory for what hg writes meanwhile. What is left in it is the caller's to remove.
  std::string scratch;
  // Where the tar is written: no such file. Paths as in the repository, nothing beside its files.
  std::string tar;
  // Killed then.
  absl::Time deadline;
};

// Writes the files of one changeset. FAILED_PRECONDITION if the program cannot be started,
// DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED if it was killed; DATA_LOSS, with the last of its words, if
// it does not end well.
absl::Status MakeHgArchive(const HgArchive& archive);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HG_PROGRAM_H_
