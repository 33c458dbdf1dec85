#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/table.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

class ArtifactLsVerb : public Verb {
 public:
  absl::string_view name() const override { return "artifact ls"; }
  absl::string_view arguments() const override { return "[flags]"; }
  absl::string_view summary() const override { return "List what a node keeps of artifacts"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Text("node", &node_, "NODE", "The node; else the only one, or any.");
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    v1::ListArtifactsRequest request;
    request.set_node_id(node_);
    absl::StatusOr<v1::ListArtifactsResponse> response = (*client)->ListArtifacts(request);
    if (!response.ok()) return response.status();
    absl::Status printed = json_ ? PrintJson(*response) : Print(Rows(*response, session->out));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  static std::string Rows(const v1::ListArtifactsResponse& response, const Terminal& terminal) {
    Table table({"DIGEST", "SIZE", "FILES", "FOR", "USED", "TASKS", "SOURCE"});
    const absl::Time now = absl::Now();
    for (const v1::CachedArtifact& artifact : response.artifacts()) {
      const std::string digest = artifact.digests().empty() ? "" : artifact.digests(0);
      table.AddRow({digest.substr(0, digest.find(':') + 13), BytesInWords(artifact.bytes()),
                    absl::StrCat(artifact.files()), artifact.is_public() ? "everybody" : "tenant",
                    AgeInWords(now - ToTime(artifact.last_use_time())),
                    absl::StrCat(artifact.users()), Printable(artifact.source())});
    }
    return table.ToString(terminal);
  }

  std::string node_;
  bool json_ = false;
};

class ArtifactFetchVerb : public Verb {
 public:
  absl::string_view name() const override { return "artifact fetch"; }
  absl::string_view arguments() const override { return "[flags] SOURCE"; }
  absl::string_view summary() const override {
    return "Fetch an artifact into a node's cache, for the tasks to come";
  }
  absl::string_view details() const override {
    return "SOURCE and the options are those of an artifact block: a task that asks for the same, "
           "with a checksum,\nfinds it there. It has no hurry and no progress; tasks that are run "
           "show theirs.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Text("node", &node_, "NODE", "The node; else the only one, or any.");
    flags->Repeated("option", &options_, "NAME=VALUE", "checksum, archive, ref, credentials, ...",
                    'o');
    flags->Repeated("header", &headers_, "NAME=VALUE", "A header of the request.");
    flags->Text("mode", &mode_, "MODE", "any, file or dir.");
    flags->Text("cache", &cache_, "WHO", "tenant, or public.");
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"SOURCE"});
    if (!expected.ok()) return expected;
    v1::FetchArtifactRequest request;
    request.set_node_id(node_);
    request.mutable_artifact()->set_source(arguments[0]);
    request.mutable_artifact()->set_mode(mode_);
    request.mutable_artifact()->set_cache(cache_);
    absl::Status read =
        ReadPairs("option", options_, request.mutable_artifact()->mutable_options());
    if (read.ok()) {
      read = ReadPairs("header", headers_, request.mutable_artifact()->mutable_headers());
    }
    if (!read.ok()) return read;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<v1::FetchArtifactResponse> response = (*client)->FetchArtifact(request);
    if (!response.ok()) return response.status();
    const v1::ArtifactStatus& artifact = response->artifact();
    absl::Status printed =
        json_ ? PrintJson(*response)
              : Print(absl::StrCat(
                    artifact.digest(), "  ",
                    artifact.cached()
                        ? "was there"
                        : absl::StrCat(BytesInWords(artifact.fetched_bytes()), " in ",
                                       MeasuredInWords(ToDuration(artifact.download()))),
                    ", on ", response->node_id(), "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  static absl::Status ReadPairs(absl::string_view flag, const std::vector<std::string>& texts,
                                google::protobuf::Map<std::string, std::string>* pairs) {
    for (const std::string& text : texts) {
      const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
      if (parts.size() != 2 || parts[0].empty()) {
        return absl::InvalidArgumentError(absl::StrCat("--", flag, " must be NAME=VALUE"));
      }
      (*pairs)[parts[0]] = parts[1];
    }
    return absl::OkStatus();
  }

  std::string node_;
  std::vector<std::string> options_;
  std::vector<std::string> headers_;
  std::string mode_;
  std::string cache_;
  bool json_ = false;
};

class ArtifactPruneVerb : public Verb {
 public:
  absl::string_view name() const override { return "artifact prune"; }
  absl::string_view arguments() const override { return "[flags]"; }
  absl::string_view summary() const override {
    return "Remove from a node's cache what no task uses";
  }

  void DeclareFlags(FlagSet* flags) override {
    flags->Text("node", &node_, "NODE", "The node; else the only one, or any.");
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    v1::PruneArtifactsRequest request;
    request.set_node_id(node_);
    absl::StatusOr<v1::PruneArtifactsResponse> response = (*client)->PruneArtifacts(request);
    if (!response.ok()) return response.status();
    absl::Status printed = json_
                               ? PrintJson(*response)
                               : Print(absl::StrCat("removed ", response->artifacts(),
                                                    " artifacts, ", BytesInWords(response->bytes()),
                                                    ", on ", response->node_id(), "\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  std::string node_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeArtifactLsVerb() { return std::make_unique<ArtifactLsVerb>(); }
std::unique_ptr<Verb> MakeArtifactFetchVerb() { return std::make_unique<ArtifactFetchVerb>(); }
std::unique_ptr<Verb> MakeArtifactPruneVerb() { return std::make_unique<ArtifactPruneVerb>(); }

}  // namespace cloister
