// A contender that is a command line, run and waited for: the bare spawn, and the peers as their
// users run them.
#ifndef CLOISTER_TESTS_BENCH_COMMAND_CONTENDER_H_
#define CLOISTER_TESTS_BENCH_COMMAND_CONTENDER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/command.h"
#include "tests/bench/contender.h"

namespace cloister::bench {

class CommandContender : public Contender {
 public:
  // One command for each worker.
  CommandContender(std::string name, std::vector<std::unique_ptr<Command>> commands)
      : Contender(std::move(name)), commands_(std::move(commands)) {}

  absl::Status StartToExit(int worker) override {
    return commands_[static_cast<size_t>(worker)]->Run();
  }

 private:
  const std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_COMMAND_CONTENDER_H_
