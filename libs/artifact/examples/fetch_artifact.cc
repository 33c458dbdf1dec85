// Fetches one artifact and checks it, with nothing of Cloister but libs/artifact:
//
//   fetch_artifact SOURCE DIRECTORY [OPTION=VALUE]...
//   fetch_artifact https://example.org/tool-1.0.tar.gz /tmp/tool checksum=sha256:9f86d0...
//
// SOURCE is written as in a job's artifact block, and so are the options. DIRECTORY must not be
// there yet. What is fetched is hostile until its digest says otherwise: run this as a user of its
// own. (On a node it runs in a cell without network; this calls the network directly.)
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/retryable.h"
#include "libs/base/owned_fd.h"

namespace {

namespace artifact = cloister::artifact;

constexpr char kAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

class Progress : public artifact::FetchObserver {
 public:
  void OnProgress(int64_t bytes, int64_t total) override {
    if (total < 0) {
      fprintf(stderr, "\r%lld bytes", static_cast<long long>(bytes));
    } else {
      fprintf(stderr, "\r%lld of %lld bytes", static_cast<long long>(bytes),
              static_cast<long long>(total));
    }
  }
};

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int Fail(const absl::Status& status) {
  const std::string text(status.message());
  fprintf(stderr, "\n%s%s\n", text.c_str(),
          artifact::IsRetryable(status) ? " (trying again may help)" : "");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: fetch_artifact SOURCE DIRECTORY [OPTION=VALUE]...\n");
    return 2;
  }
  std::map<std::string, std::string> options;
  for (int i = 3; i < argc; ++i) {
    const std::string option = argv[i];
    const size_t equals = option.find('=');
    options[option.substr(0, equals)] =
        equals == std::string::npos ? "" : option.substr(equals + 1);
  }

  // 1. What is asked for. Every mistake in it is named at once, and nothing was touched yet.
  artifact::FetchRequest request;
  absl::StatusOr<artifact::ArtifactSource> source = artifact::ParseArtifactSource(argv[1], options);
  if (!source.ok()) return Fail(source.status());
  request.source = *std::move(source);
  request.http.ca_pem = ReadFile(kAuthorities);
  request.limits.max_bytes = int64_t{4} << 30;

  // 2. Where it may come from: the default policy knows no loopback, private or metadata address.
  artifact::DirectConnector connector{artifact::EgressPolicy()};

  // 3. Where it goes: a directory of ours alone. The result is its `content`.
  if (mkdir(argv[2], 0700) != 0) {
    perror(argv[2]);
    return 1;
  }
  const cloister::OwnedFd output(open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  // 4. The whole of it. After an error nothing is left that was not checked.
  Progress progress;
  const absl::StatusOr<artifact::FetchReport> report =
      artifact::Fetch(request, output.get(), connector, progress);
  if (!report.ok()) return Fail(report.status());
  if (report->commit.empty()) {
    printf("\nsha256:%s\n", report->sha256.c_str());
  } else {
    printf("\ncommit %s\n", report->commit.c_str());
  }
  printf("%s/content%s%s\n", argv[2], report->is_tree ? "" : "/", report->file_name.c_str());
  return 0;
}
