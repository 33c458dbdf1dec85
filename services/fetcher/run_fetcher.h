// All of the fetcher's main() but what it fetches with.
#ifndef CLOISTER_SERVICES_FETCHER_RUN_FETCHER_H_
#define CLOISTER_SERVICES_FETCHER_RUN_FETCHER_H_

#include "services/fetcher/zygote.h"

namespace cloister::fetcher {

struct Program {
  // Once, in the zygote. Leaves no thread, and nothing secret.
  void (*preload)() = nullptr;
  Work work;
};

int RunFetcher(int argc, char** argv, const Program& program);

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_RUN_FETCHER_H_
