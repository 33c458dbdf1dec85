// What a broker does once it is confined: connects for its cell, where its orders let it.
#ifndef CLOISTER_SERVICES_FETCHER_BROKER_H_
#define CLOISTER_SERVICES_FETCHER_BROKER_H_

namespace cloister::fetcher {

// Until its cell is gone; the exit code.
int RunBroker();

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_BROKER_H_
