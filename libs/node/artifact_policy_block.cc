#include "libs/node/artifact_policy_block.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "libs/node/policy_body.h"

namespace cloister::node {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;

template <typename T>
void ReadCount(BodyReader* body, absl::string_view name, int64_t least, int64_t most, T* value) {
  if (const auto count = body->Integer(name, least, most)) *value = static_cast<T>(*count);
}

void ReadNetworks(BodyReader* body, absl::string_view name, std::vector<artifact::Cidr>* networks) {
  const auto list = body->Texts(name);
  if (!list.has_value()) return;
  networks->clear();
  for (const std::string& text : list->second) {
    absl::StatusOr<artifact::Cidr> network = artifact::ParseCidr(text);
    if (network.ok()) {
      networks->push_back(*network);
    } else {
      body->Wrong(*list->first, absl::StrCat(network.status().message(), "."));
    }
  }
}

void ReadTexts(BodyReader* body, absl::string_view name, std::vector<std::string>* texts) {
  if (auto list = body->Texts(name)) *texts = std::move(list->second);
}

void ReadPath(BodyReader* body, absl::string_view name, std::string* path) {
  const auto text = body->Text(name);
  if (!text.has_value()) return;
  if (!IsAbsoluteClean(text->second)) body->Wrong(*text->first, "Must be an absolute clean path.");
  *path = text->second;
}

void ReadFileSources(BodyReader* body, std::vector<std::string>* sources) {
  const auto list = body->Texts("file_sources");
  if (!list.has_value()) return;
  for (const std::string& path : list->second) {
    if (IsAbsoluteClean(path)) continue;
    body->Wrong(*list->first,
                absl::StrCat("\"", absl::CHexEscape(path), "\" is not an absolute clean path."));
  }
  *sources = list->second;
}

// "http://host:port"; what the broker connects to is the host and the port.
void ReadProxy(BodyReader* body, ArtifactPolicy* policy) {
  const auto text = body->Text("proxy");
  if (!text.has_value()) return;
  absl::string_view rest = text->second;
  const size_t colon = rest.rfind(':');
  uint32_t port = 0;
  if (!absl::ConsumePrefix(&rest, "http://") || colon == absl::string_view::npos ||
      !absl::SimpleAtoi(absl::string_view(text->second).substr(colon + 1), &port) || port == 0 ||
      port > 65535 || colon <= 7 || absl::StrContains(rest, "@") || absl::StrContains(rest, "/")) {
    return body->Wrong(*text->first, "Must be \"http://HOST:PORT\".");
  }
  policy->proxy = text->second;
  policy->egress.proxy_host = text->second.substr(7, colon - 7);
  policy->egress.proxy_port = static_cast<uint16_t>(port);
}

void CheckCredential(BodyReader* body, const hcl::Block& block,
                     const ArtifactCredential& credential) {
  const auto wrong = [&](absl::string_view why) {
    body->diagnostics().AddError("Invalid credential", why, block.head_range);
  };
  if (credential.hosts.empty()) {
    wrong("hosts must name the hosts that it is sent to: else a task could have it sent anywhere.");
  }
  if (credential.file.empty() == credential.exec.empty()) {
    wrong("One of file and exec must say where the secret is.");
  }
  if (!credential.exec.empty() && !IsAbsoluteClean(credential.exec.front())) {
    wrong("exec must begin with the absolute path of a program.");
  }
  const bool is_ssh = credential.kind == ArtifactCredential::Kind::kSshKey;
  if (is_ssh != !credential.known_hosts.empty()) {
    wrong("known_hosts belongs to a credential of type \"ssh\", which has to have it.");
  }
  if (credential.user.empty() && (credential.kind == ArtifactCredential::Kind::kBasic ||
                                  credential.kind == ArtifactCredential::Kind::kHeader)) {
    wrong("user must say who (type \"basic\"), or which header (type \"header\").");
  }
}

void ReadCredential(const hcl::Block& block, const hcl::EvaluationScope& scope,
                    hcl::Diagnostics* diagnostics, ArtifactPolicy* policy) {
  static const auto* const kSchema = new hcl::BodySchema{{{"allow_http"},
                                                          {"exec"},
                                                          {"file"},
                                                          {"hosts"},
                                                          {"known_hosts"},
                                                          {"tenants"},
                                                          {"type", /*required=*/true},
                                                          {"user"}},
                                                         {}};
  BodyReader body(block.body.Content(*kSchema, *diagnostics), scope, diagnostics);
  ArtifactCredential credential;
  credential.name = block.labels.front();
  const auto same = [&credential](const ArtifactCredential& other) {
    return other.name == credential.name;
  };
  if (credential.name.empty() ||
      std::any_of(policy->credentials.begin(), policy->credentials.end(), same)) {
    diagnostics->AddError("Invalid name of a credential", "It is empty, or another one's.",
                          block.label_ranges.front());
  }
  if (const auto type = body.Text("type")) {
    using Kind = ArtifactCredential::Kind;
    const std::map<std::string, Kind> kinds = {{"basic", Kind::kBasic},
                                               {"bearer", Kind::kBearer},
                                               {"header", Kind::kHeader},
                                               {"aws", Kind::kAws},
                                               {"ssh", Kind::kSshKey}};
    const auto kind = kinds.find(type->second);
    if (kind == kinds.end()) {
      body.Wrong(*type->first, "Must be \"basic\", \"bearer\", \"header\", \"aws\" or \"ssh\".");
    } else {
      credential.kind = kind->second;
    }
  }
  ReadTexts(&body, "hosts", &credential.hosts);
  ReadTexts(&body, "tenants", &credential.tenants);
  ReadTexts(&body, "exec", &credential.exec);
  body.Read("user", &credential.user);
  body.Read("allow_http", &credential.allow_http);
  ReadPath(&body, "file", &credential.file);
  ReadPath(&body, "known_hosts", &credential.known_hosts);
  CheckCredential(&body, block, credential);
  policy->credentials.push_back(std::move(credential));
}

const hcl::BodySchema& Schema() {
  static const auto* const kSchema =
      new hcl::BodySchema{{{"allow_hg"},     {"allowed_hosts"},     {"allowed_networks"},
                           {"attempts"},     {"ca_file"},           {"cache_age"},
                           {"cache_size"},   {"denied_hosts"},      {"denied_networks"},
                           {"enabled"},      {"file_sources"},      {"max_depth"},
                           {"max_files"},    {"max_path_length"},   {"max_ratio"},
                           {"max_size"},     {"max_unpacked_size"}, {"memory"},
                           {"parallel"},     {"parallel_of_task"},  {"proxy"},
                           {"read_timeout"}, {"schemes"},           {"timeout"}},
                          {{"credentials", {"name"}}}};
  return *kSchema;
}

void ReadLimits(BodyReader* body, ArtifactPolicy* policy) {
  body->ReadMib("max_size", &policy->max_download_bytes);
  body->ReadMib("max_unpacked_size", &policy->unpack.bytes);
  body->ReadMib("memory", &policy->memory_bytes);
  body->ReadMib("cache_size", &policy->cache_bytes);
  ReadCount(body, "max_files", 1, kMost, &policy->unpack.files);
  ReadCount(body, "max_depth", 1, 2048, &policy->unpack.depth);
  ReadCount(body, "max_path_length", 1, 4095, &policy->unpack.path_length);
  ReadCount(body, "max_ratio", 1, kMost, &policy->unpack.ratio);
  ReadCount(body, "attempts", 1, 10, &policy->attempts);
  ReadCount(body, "parallel", 1, 64, &policy->parallel);
  ReadCount(body, "parallel_of_task", 1, 64, &policy->parallel_of_task);
  body->ReadDuration("read_timeout", &policy->read_timeout);
  body->ReadDuration("timeout", &policy->timeout);
  body->ReadDuration("cache_age", &policy->cache_age);
  policy->unpack.deadline = policy->timeout;
}

}  // namespace

void ReadArtifactBlock(const hcl::Block& block, const hcl::EvaluationScope& scope,
                       hcl::Diagnostics* diagnostics, ArtifactPolicy* policy) {
  BodyReader body(block.body.Content(Schema(), *diagnostics), scope, diagnostics);
  body.Read("enabled", &policy->enabled);
  body.Read("allow_hg", &policy->allow_hg);
  ReadTexts(&body, "schemes", &policy->egress.schemes);
  ReadTexts(&body, "allowed_hosts", &policy->egress.allowed_hosts);
  ReadTexts(&body, "denied_hosts", &policy->egress.denied_hosts);
  ReadNetworks(&body, "allowed_networks", &policy->egress.allowed_networks);
  ReadNetworks(&body, "denied_networks", &policy->egress.denied_networks);
  ReadFileSources(&body, &policy->file_sources);
  ReadPath(&body, "ca_file", &policy->ca_file);
  ReadProxy(&body, policy);
  ReadLimits(&body, policy);
  for (const hcl::Block* credential : body.content().BlocksOfType("credentials")) {
    ReadCredential(*credential, scope, diagnostics, policy);
  }
}

}  // namespace cloister::node
