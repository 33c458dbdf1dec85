// A certificate authority for tests: keys and certificates are made when a test runs, none is
// checked in.
//
//   CLOISTER_ASSIGN_OR_RETURN(TestCa ca, TestCa::Create(directory));
//   CLOISTER_ASSIGN_OR_RETURN(rpc::TlsFiles alice, ca.Issue("client", "alice"));

#ifndef CLOISTER_TESTS_TESTING_TEST_CA_H_
#define CLOISTER_TESTS_TESTING_TEST_CA_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/rpc/tls_files.h"

namespace cloister {

class TestCa {
 public:
  // Writes ca.crt into an existing directory. P-256 keys; valid from an hour ago for a day.
  static absl::StatusOr<TestCa> Create(const std::string& directory);

  TestCa(TestCa&&) noexcept;
  TestCa& operator=(TestCa&&) noexcept;
  ~TestCa();

  // What a certificate shall say.
  struct Contents {
    std::vector<std::string> uris;                // URI SANs, as they are.
    absl::Duration valid_from = -absl::Hours(1);  // Counted from now.
    absl::Duration valid_until = absl::Hours(24);
  };

  // A certificate for both ends of TLS with the URI SAN cloister://<role>/<name>; writes
  // <role>-<name>.crt and .key (mode 0600). Issuing again replaces both.
  absl::StatusOr<rpc::TlsFiles> Issue(absl::string_view role, absl::string_view name) const;

  // The same with other contents; the files are <stem>.crt and <stem>.key.
  absl::StatusOr<rpc::TlsFiles> IssueWith(absl::string_view stem, const Contents& contents) const;

  // Path of the authority's own certificate.
  const std::string& authority() const;

 private:
  struct Identity;
  TestCa(std::string directory, std::unique_ptr<Identity> identity);

  std::string directory_;
  std::string authority_;
  std::unique_ptr<Identity> identity_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_TEST_CA_H_
