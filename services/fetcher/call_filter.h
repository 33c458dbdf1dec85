// The system calls of a cell and of a broker: allow-lists, much shorter than a task's, as programs
// for seccomp(2). Made here and not by libs/seccomp, which knows tasks and needs libseccomp: that
// would be one more library in the process that is to hold nothing.
#ifndef CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_
#define CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_

#include <linux/filter.h>

#include <vector>

namespace cloister::fetcher {

// What is not allowed is EPERM; clone3, whose flags no filter sees, and calls that are newer than
// the list are ENOSYS; another architecture's calls end the process. Neither list has a way to run
// a program, to make a namespace, or to map memory that can be executed.
//
// Cell: files by descriptor, memory, threads, sockets that it is given. None that makes a socket
// other than a local pair, and none that connects one.
std::vector<sock_filter> MakeCellFilter();
// Broker: sockets of the internet families, files for reading. Neither threads nor children.
std::vector<sock_filter> MakeBrokerFilter();

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_
