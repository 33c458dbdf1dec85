// A certificate authority of a test's own and certificates for servers, made by openssl(1) when the
// test runs.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_TEST_CERTIFICATES_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_TEST_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cloister::artifact {

// Runs a program to its end; FAILED_PRECONDITION unless it exits 0.
absl::Status RunProgram(const std::vector<std::string>& argv,
                        const std::vector<std::string>& env = {});

struct TestCertificates {
  std::string ca_pem;  // Contents.
  std::string certificate_path;
  std::string key_path;
};

// For the subject alternative names, as "DNS:files.test,IP:127.0.0.1". Files go to `directory`.
absl::StatusOr<TestCertificates> MakeTestCertificates(const std::string& directory,
                                                      const std::string& names);

// Of a file, "" where there is none.
std::string FileContents(const std::string& path);
void WriteFile(const std::string& path, const std::string& contents);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_TEST_CERTIFICATES_H_
