// What a cell does once it is confined: one request, one fetch, one report.
#ifndef CLOISTER_SERVICES_FETCHER_CELL_H_
#define CLOISTER_SERVICES_FETCHER_CELL_H_

namespace cloister::fetcher {

// The exit code.
int RunCell();

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CELL_H_
