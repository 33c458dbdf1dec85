// A network and names of a test's own: loopback alone, with the metadata address of the clouds and
// a public one on it, and a hosts file and name server that the test says.
#ifndef CLOISTER_TESTS_ARTIFACTS_TEST_NETWORK_H_
#define CLOISTER_TESTS_ARTIFACTS_TEST_NETWORK_H_

#include <string>

namespace cloister {

// Where the test may have a NameServer.
constexpr char kNameServer[] = "127.0.0.53";
constexpr char kMetadata[] = "169.254.169.254";
// An address that every policy takes for the internet's; here it is the test's own.
constexpr char kPublic[] = "93.184.216.34";

// For main(), before anything else: this process, and what it starts, is in namespaces of its own
// from here on. Without root it does nothing, and the tests say so. False: errno says why.
bool EnterTestNetwork(const std::string& hosts);

}  // namespace cloister

#endif  // CLOISTER_TESTS_ARTIFACTS_TEST_NETWORK_H_
