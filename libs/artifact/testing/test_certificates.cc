#include "libs/artifact/testing/test_certificates.h"

#include <fcntl.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {

absl::Status RunProgram(const std::vector<std::string>& argv, const std::vector<std::string>& env) {
  OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = argv;
  options.env = env;
  options.fds = {{nothing.get(), 0}, {nothing.get(), 1}, {2, 2}};
  SpawnedProcess process;
  CLOISTER_ASSIGN_OR_RETURN(process, Spawn(options));
  int status = 0;
  CLOISTER_ASSIGN_OR_RETURN(status, process.pidfd.WaitAndReap());
  if (status == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(absl::StrJoin(argv, " "), ": wait status ", status));
}

absl::StatusOr<TestCertificates> MakeTestCertificates(const std::string& directory,
                                                      const std::string& names) {
  const std::string ca = absl::StrCat(directory, "/ca.pem");
  const std::string ca_key = absl::StrCat(directory, "/ca.key");
  TestCertificates made;
  made.certificate_path = absl::StrCat(directory, "/server.pem");
  made.key_path = absl::StrCat(directory, "/server.key");
  const std::vector<std::string> common = {
      "/usr/bin/openssl",        "req",    "-x509", "-newkey", "ec",      "-pkeyopt",
      "ec_paramgen_curve:P-256", "-nodes", "-days", "2",       "-config", "/dev/null"};
  std::vector<std::string> argv = common;
  for (const std::string& word :
       {std::string("-subj"), std::string("/CN=test authority"), std::string("-addext"),
        std::string("basicConstraints=critical,CA:TRUE"), std::string("-keyout"), ca_key,
        std::string("-out"), ca}) {
    argv.push_back(word);
  }
  CLOISTER_RETURN_IF_ERROR(RunProgram(argv));
  argv = common;
  for (const std::string& word :
       {std::string("-subj"), std::string("/CN=test server"), std::string("-addext"),
        absl::StrCat("subjectAltName=", names), std::string("-CA"), ca, std::string("-CAkey"),
        ca_key, std::string("-keyout"), made.key_path, std::string("-out"),
        made.certificate_path}) {
    argv.push_back(word);
  }
  CLOISTER_RETURN_IF_ERROR(RunProgram(argv));
  made.ca_pem = FileContents(ca);
  return made;
}

std::string FileContents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

void WriteFile(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace cloister::artifact
