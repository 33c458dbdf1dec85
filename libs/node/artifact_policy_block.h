// The block `artifact` of a node policy file (policy_file.h).
#ifndef CLOISTER_LIBS_NODE_ARTIFACT_POLICY_BLOCK_H_
#define CLOISTER_LIBS_NODE_ARTIFACT_POLICY_BLOCK_H_

#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/node/artifact_policy.h"

namespace cloister::node {

// Changes in `policy` what the block says. What is wrong goes to `diagnostics`.
void ReadArtifactBlock(const hcl::Block& block, const hcl::EvaluationScope& scope,
                       hcl::Diagnostics* diagnostics, ArtifactPolicy* policy);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_ARTIFACT_POLICY_BLOCK_H_
