// cloister-fetcher --control_fd=3
//
// Started by the executor only, with a SOCK_SEQPACKET socket as descriptor 3 and an empty
// environment: the zygote of fetches (zygote.h).
#include "libs/artifact/fetch.h"
#include "services/fetcher/broker.h"
#include "services/fetcher/cell.h"
#include "services/fetcher/run_fetcher.h"

int main(int argc, char** argv) {
  return cloister::fetcher::RunFetcher(
      argc, argv,
      {&cloister::artifact::PreloadFetch,
       {&cloister::fetcher::RunCell, &cloister::fetcher::RunBroker}});
}
