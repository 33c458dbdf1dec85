// The system calls of a cell and of a broker: allow-lists, much shorter than a task's, as programs
// for seccomp(2). Made here and not by libs/seccomp, which knows tasks and needs libseccomp: that
// would be one more library in the process that is to hold nothing.
#ifndef CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_
#define CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_

#include <linux/filter.h>

#include <vector>

namespace cloister::fetcher {

// What is not allowed is EPERM; clone3, whose flags no filter sees, and calls that are newer than
// the list are ENOSYS; another architecture's calls end the process. No list has a way to make a
// namespace or a socket to anywhere, or memory that can be written and executed, and but for the
// program cell's none to run a program or to map one.
//
// Cell: files by descriptor, memory, threads, sockets that it is given. None that makes a socket
// other than a local pair, and none that connects one.
std::vector<sock_filter> MakeCellFilter();
// Cell that runs programs: the same, and what starting, being and awaiting one takes. What is run
// has this list, too.
std::vector<sock_filter> MakeProgramCellFilter();
// Broker: sockets of the internet families, files for reading. Neither threads nor children.
std::vector<sock_filter> MakeBrokerFilter();

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CALL_FILTER_H_
