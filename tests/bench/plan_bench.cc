// The parts of a start that are pure calculation, on each start's way.
//
//   bazel run -c opt //tests/bench:plan_bench
#include <string>

#include "benchmark/benchmark.h"
#include "libs/capability/calculate.h"
#include "libs/engine/node_planner.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"
#include "libs/task/parse_task_spec.h"

namespace cloister {
namespace {

constexpr char kPlain[] = "config { command: '/bin/true' }";
constexpr char kFull[] = R"(
  name: 'web'
  config {
    command: 'server' args: '--port=8080' args: '--workers=4'
    cap_add: 'net_bind_service' cap_drop: 'mknod' cap_drop: 'setfcap' work_dir: '/local'
  }
  env { key: 'LOG_LEVEL' value: 'info' } env { key: 'REGION' value: 'eu' }
  user: 'nobody' resources { cpu: 500 memory: 512 pids: 200 }
  kill_timeout { seconds: 20 } kill_signal: 'SIGINT'
)";

void BM_ParseTaskSpec(benchmark::State& state, const char* text) {
  const v1::TaskConfig config = plan::ExampleConfig(text);
  for (auto _ : state) benchmark::DoNotOptimize(task::ParseTaskSpec(config));
}
BENCHMARK_CAPTURE(BM_ParseTaskSpec, plain, kPlain);
BENCHMARK_CAPTURE(BM_ParseTaskSpec, full, kFull);

void BM_MakeLaunchPlan(benchmark::State& state, const char* text) {
  const task::TaskSpec spec = plan::ExampleSpec(text);
  const node::NodeFacts facts = plan::ExampleFacts(node::CgroupLayout::kV2);
  const node::NodePolicy policy = node::DefaultNodePolicy();
  const task::ResolvedUser user = plan::ExampleNobody();
  for (auto _ : state) {
    benchmark::DoNotOptimize(plan::MakeLaunchPlan(spec, user, facts, policy));
  }
}
BENCHMARK_CAPTURE(BM_MakeLaunchPlan, plain, kPlain);
BENCHMARK_CAPTURE(BM_MakeLaunchPlan, full, kFull);

// All of it: references, the spec, the plan.
void BM_Plan(benchmark::State& state, const char* text) {
  const v1::TaskConfig config = plan::ExampleConfig(text);
  const engine::NodePlanner planner(plan::ExampleFacts(node::CgroupLayout::kHybrid),
                                    node::DefaultNodePolicy(),
                                    [](const task::UserField&) { return plan::ExampleNobody(); });
  for (auto _ : state) benchmark::DoNotOptimize(planner.Plan(config, "abcdefghijklmnopqrstuvwxyz"));
}
BENCHMARK_CAPTURE(BM_Plan, plain, kPlain);
BENCHMARK_CAPTURE(BM_Plan, full, kFull);

// As the plan goes to the launcher and into the record.
void BM_SerializePlan(benchmark::State& state) {
  const auto plan =
      plan::MakeLaunchPlan(plan::ExampleSpec(kFull), plan::ExampleNobody(),
                           plan::ExampleFacts(node::CgroupLayout::kV2), node::DefaultNodePolicy());
  std::string bytes;
  for (auto _ : state) {
    plan->SerializeToString(&bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(BM_SerializePlan);

void BM_CalculateCapabilities(benchmark::State& state) {
  using capability::CapabilitySet;
  const CapabilitySet add = CapabilitySet::FromBits(1 << 10);
  const CapabilitySet drop = CapabilitySet::FromBits(1u << 27 | 1u << 31);
  for (auto _ : state) {
    benchmark::DoNotOptimize(capability::CalculateCapabilities(
        capability::kDefaultCapabilities, capability::kDefaultCapabilities, add, drop));
  }
}
BENCHMARK(BM_CalculateCapabilities);

}  // namespace
}  // namespace cloister
