// The one way to glog: for programs of services/ and tools/. Libraries return absl::Status instead.
#ifndef CLOISTER_SERVICES_LOGGING_H_
#define CLOISTER_SERVICES_LOGGING_H_

#include <glog/logging.h>

namespace cloister {

// Lines go to stderr, where systemd or whoever started us keeps them. Once, first thing in main().
void StartLogging(const char* program);

}  // namespace cloister

#endif  // CLOISTER_SERVICES_LOGGING_H_
