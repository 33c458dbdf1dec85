// How fast a download is beside curl(1)'s, from the same nginx on loopback, in turns in one run:
//
//   bazel run //libs/artifact:download_bench -- [DIRECTORY [MEGABYTES [ROUNDS]]]
//
// Prints medians of megabytes a second, and the ratio to curl. "download" writes the file as curl
// does; "fetch" also hashes it (SHA-256), as "curl+sum" does by sha256sum(1) afterwards. DIRECTORY
// should be on a tmpfs, so that it is not the disk that is measured.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/download.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {
namespace {

class FileSink : public BodySink {
 public:
  explicit FileSink(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  absl::Status Begin(int64_t, int64_t, const Validators&) override { return absl::OkStatus(); }
  absl::Status Write(absl::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
      if (written <= 0) return absl::InternalError("write");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

 private:
  OwnedFd fd_;
};

struct Contender {
  std::string name;
  std::function<absl::Status(const std::string& url)> run;
  std::vector<double> rates;
};

class Bench {
 public:
  Bench(std::string directory, int megabytes)
      : directory_(std::move(directory)), megabytes_(megabytes) {}

  absl::Status Start() {
    WriteFile(directory_ + "/file", std::string(static_cast<size_t>(megabytes_) << 20, 'x'));
    absl::StatusOr<TestCertificates> certificates =
        MakeTestCertificates(directory_, "IP:127.0.0.1");
    if (!certificates.ok()) return certificates.status();
    certificates_ = *std::move(certificates);
    absl::StatusOr<std::unique_ptr<Nginx>> nginx = Nginx::Start(directory_, "", &certificates_);
    if (!nginx.ok()) return nginx.status();
    nginx_ = *std::move(nginx);
    policy_.allowed_networks = {*ParseCidr("127.0.0.0/8")};
    return absl::OkStatus();
  }

  absl::Status Compare(const char* what, const std::string& url, int rounds) {
    std::vector<Contender> contenders = {
        {"curl", [this](const std::string& from) { return RunCurl(from); }, {}},
        {"download", [this](const std::string& from) { return RunDownload(from); }, {}},
        {"curl+sum", [this](const std::string& from) { return RunCurlAndSum(from); }, {}},
        {"fetch", [this](const std::string& from) { return RunFetch(from); }, {}}};
    for (int round = 0; round < rounds; ++round) {
      for (Contender& contender : contenders) {
        const absl::Time begin = absl::Now();
        const absl::Status status = contender.run(url);
        if (!status.ok()) return status;
        contender.rates.push_back(megabytes_ / absl::ToDoubleSeconds(absl::Now() - begin));
      }
    }
    double first = 0;
    for (Contender& contender : contenders) {
      std::sort(contender.rates.begin(), contender.rates.end());
      const double median = contender.rates[contender.rates.size() / 2];
      if (first == 0) first = median;
      printf("%-6s %-9s %7.0f MB/s  %.2f\n", what, contender.name.c_str(), median, median / first);
    }
    return absl::OkStatus();
  }

  std::string Plain() const { return nginx_->Url("/file"); }
  std::string Tls() const { return nginx_->TlsUrl("127.0.0.1", "/file"); }

 private:
  absl::Status RunCurl(const std::string& url) {
    return RunProgram({"/usr/bin/curl", "--silent", "--fail", "--cacert", directory_ + "/ca.pem",
                       "--output", directory_ + "/by_curl", url});
  }

  absl::Status RunCurlAndSum(const std::string& url) {
    const absl::Status status = RunCurl(url);
    if (!status.ok()) return status;
    return RunProgram({"/usr/bin/sha256sum", directory_ + "/by_curl"});
  }

  absl::Status RunDownload(const std::string& url) {
    DirectConnector connector(policy_);
    HttpRequest request;
    request.url = url;
    HttpOptions options;
    options.ca_pem = certificates_.ca_pem;
    FileSink sink(directory_ + "/by_download");
    return Download(request, options, {}, connector, sink).status();
  }

  absl::Status RunFetch(const std::string& url) {
    DirectConnector connector(policy_);
    FetchRequest request;
    request.source = *ParseArtifactSource(url, {});
    request.http.ca_pem = certificates_.ca_pem;
    const std::string output = directory_ + "/by_fetch";
    mkdir(output.c_str(), 0755);
    const OwnedFd fd(open(output.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FetchObserver observer;
    const absl::Status status = Fetch(request, fd.get(), connector, observer).status();
    unlink((output + "/content/file").c_str());
    rmdir((output + "/content").c_str());
    return status;
  }

  const std::string directory_;
  const int megabytes_;
  TestCertificates certificates_;
  std::unique_ptr<Nginx> nginx_;
  EgressPolicy policy_;
};

int Main(int argc, char** argv) {
  std::string directory = absl::StrCat(argc > 1 ? argv[1] : "/dev/shm", "/download_bench.XXXXXX");
  if (mkdtemp(&directory[0]) == nullptr) {
    perror(directory.c_str());
    return 1;
  }
  absl::Status status;
  {
    Bench bench(directory, argc > 2 ? atoi(argv[2]) : 256);
    const int rounds = argc > 3 ? atoi(argv[3]) : 9;
    status = bench.Start();
    if (status.ok()) status = bench.Compare("http", bench.Plain(), rounds);
    if (status.ok()) status = bench.Compare("https", bench.Tls(), rounds);
  }
  RunProgram({"/bin/rm", "-rf", directory}).IgnoreError();
  if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace cloister::artifact

int main(int argc, char** argv) { return cloister::artifact::Main(argc, argv); }
