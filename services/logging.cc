#include "services/logging.h"

namespace cloister {

void StartLogging(const char* program) {
  FLAGS_logtostderr = true;
  // A crash is the business of the kernel's core dump and of whoever restarts us: no handler that
  // allocates.
  google::InitGoogleLogging(program);
}

}  // namespace cloister
