// The `config` block of a task: the exec driver's attributes and ours.
#ifndef CLOISTER_LIBS_JOBSPEC_READ_CONFIG_H_
#define CLOISTER_LIBS_JOBSPEC_READ_CONFIG_H_

#include "cloister/v1/task.pb.h"
#include "libs/hcl/content.h"
#include "libs/jobspec/block_reader.h"

namespace cloister::jobspec {

// What is wrong with the block is diagnosed; the places of its fields are noted.
void ReadConfig(const hcl::Block& block, const Reading& reading, v1::ExecConfig* config);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_READ_CONFIG_H_
