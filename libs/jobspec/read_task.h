// A `task` block as a v1::TaskConfig, and the blocks that groups and jobs have as well.
#ifndef CLOISTER_LIBS_JOBSPEC_READ_TASK_H_
#define CLOISTER_LIBS_JOBSPEC_READ_TASK_H_

#include <set>
#include <string>

#include "cloister/v1/task.pb.h"
#include "libs/hcl/content.h"
#include "libs/jobspec/block_reader.h"

namespace cloister::jobspec {

// Adds what the block says to `config`, which has what job and group say: their meta loses, their
// constraints come first. The names of the task's own variables go to `variables`, as soon as they
// are known: what is read after them may refer to them.
void ReadTask(const hcl::Block& block, const Reading& reading, std::set<std::string>* variables,
              v1::TaskConfig* config);

// The same of a block that may stand in several: `reader` is the one around it.
void ReadConstraints(BlockReader* reader, v1::TaskConfig* config);
void ReadMeta(BlockReader* reader, v1::TaskConfig* config);
void ReadVolumes(BlockReader* reader, v1::TaskConfig* config);
void ReadRestart(BlockReader* reader);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_READ_TASK_H_
