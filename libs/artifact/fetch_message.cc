#include "libs/artifact/fetch_message.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

// Of an enum whose first value is 0 and whose last one is `last`.
template <typename Enum>
absl::Status ReadEnum(int value, Enum last, Enum* out) {
  if (value < 0 || value > static_cast<int>(last)) {
    return absl::InvalidArgumentError(absl::StrCat("fetch request: no such value: ", value));
  }
  *out = static_cast<Enum>(value);
  return absl::OkStatus();
}

internal::Digest DigestToMessage(const Checksum& checksum) {
  internal::Digest message;
  message.set_algorithm(static_cast<int>(checksum.algorithm));
  message.set_hex(checksum.hex);
  return message;
}

absl::StatusOr<Checksum> DigestFromMessage(const internal::Digest& message) {
  Checksum checksum;
  CLOISTER_RETURN_IF_ERROR(
      ReadEnum(message.algorithm(), DigestAlgorithm::kSha512, &checksum.algorithm));
  checksum.hex = message.hex();
  return checksum;
}

internal::UnpackLimits LimitRequestToMessage(const LimitRequest& limits) {
  internal::UnpackLimits message;
  if (limits.bytes.has_value()) message.set_bytes(*limits.bytes);
  if (limits.ratio.has_value()) message.set_ratio(*limits.ratio);
  if (limits.files.has_value()) message.set_files(*limits.files);
  if (limits.depth.has_value()) message.set_depth(*limits.depth);
  if (limits.path_length.has_value()) message.set_path_length(*limits.path_length);
  if (limits.deadline.has_value()) {
    message.set_deadline_ns(absl::ToInt64Nanoseconds(*limits.deadline));
  }
  return message;
}

LimitRequest LimitRequestFromMessage(const internal::UnpackLimits& message) {
  LimitRequest limits;
  if (message.has_bytes()) limits.bytes = message.bytes();
  if (message.has_ratio()) limits.ratio = message.ratio();
  if (message.has_files()) limits.files = message.files();
  if (message.has_depth()) limits.depth = message.depth();
  if (message.has_path_length()) limits.path_length = message.path_length();
  if (message.has_deadline_ns()) limits.deadline = absl::Nanoseconds(message.deadline_ns());
  return limits;
}

internal::UnpackLimits UnpackLimitsToMessage(const UnpackLimits& limits) {
  internal::UnpackLimits message;
  message.set_bytes(limits.bytes);
  message.set_ratio(limits.ratio);
  message.set_files(limits.files);
  message.set_depth(limits.depth);
  message.set_path_length(limits.path_length);
  message.set_deadline_ns(absl::ToInt64Nanoseconds(limits.deadline));
  return message;
}

UnpackLimits UnpackLimitsFromMessage(const internal::UnpackLimits& message) {
  UnpackLimits limits;
  limits.bytes = message.bytes();
  limits.ratio = message.ratio();
  limits.files = message.files();
  limits.depth = message.depth();
  limits.path_length = message.path_length();
  limits.deadline = absl::Nanoseconds(message.deadline_ns());
  return limits;
}

void ObjectsToMessage(const ArtifactSource& source, internal::ArtifactSource* message) {
  message->set_git_ref(source.git.ref);
  message->set_git_depth(source.git.depth);
  message->set_git_submodules(source.git.submodules);
  message->set_hg_rev(source.hg_rev);
  message->set_s3_endpoint(source.s3.endpoint);
  message->set_s3_region(source.s3.region);
  message->set_s3_bucket(source.s3.bucket);
  message->set_s3_key(source.s3.key);
  message->set_s3_version(source.s3.version);
  message->set_s3_path_style(source.s3.path_style);
  message->set_gcs_endpoint(source.gcs.endpoint);
  message->set_gcs_bucket(source.gcs.bucket);
  message->set_gcs_object(source.gcs.object);
  message->set_gcs_generation(source.gcs.generation);
}

void ObjectsFromMessage(const internal::ArtifactSource& message, ArtifactSource* source) {
  source->git.ref = message.git_ref();
  source->git.depth = message.git_depth();
  source->git.submodules = message.git_submodules();
  source->hg_rev = message.hg_rev();
  source->s3.endpoint = message.s3_endpoint();
  source->s3.region = message.s3_region();
  source->s3.bucket = message.s3_bucket();
  source->s3.key = message.s3_key();
  source->s3.version = message.s3_version();
  source->s3.path_style = message.s3_path_style();
  source->gcs.endpoint = message.gcs_endpoint();
  source->gcs.bucket = message.gcs_bucket();
  source->gcs.object = message.gcs_object();
  source->gcs.generation = message.gcs_generation();
}

internal::ArtifactSource SourceToMessage(const ArtifactSource& source) {
  internal::ArtifactSource message;
  message.set_kind(static_cast<int>(source.kind));
  message.set_url(source.url);
  message.set_subdir(source.subdir);
  if (source.checksum.has_value()) {
    if (source.checksum->digest.has_value()) {
      *message.mutable_checksum() = DigestToMessage(*source.checksum->digest);
    }
    message.set_checksum_list(source.checksum->list_source);
  }
  message.set_archive_kind(static_cast<int>(source.archive.kind));
  message.set_archive_format(static_cast<int>(source.archive.format));
  message.set_file_name(source.file_name);
  ObjectsToMessage(source, &message);
  message.set_credentials(source.credentials);
  message.set_strip_components(source.unpack.strip_components);
  message.set_umask(source.unpack.umask);
  *message.mutable_limits() = LimitRequestToMessage(source.unpack.limits);
  return message;
}

absl::StatusOr<ArtifactSource> SourceFromMessage(const internal::ArtifactSource& message) {
  ArtifactSource source;
  CLOISTER_RETURN_IF_ERROR(ReadEnum(message.kind(), SourceKind::kFile, &source.kind));
  source.url = message.url();
  source.subdir = message.subdir();
  if (message.has_checksum() || !message.checksum_list().empty()) {
    source.checksum.emplace();
    source.checksum->list_source = message.checksum_list();
  }
  if (message.has_checksum()) {
    CLOISTER_ASSIGN_OR_RETURN(source.checksum->digest, DigestFromMessage(message.checksum()));
  }
  CLOISTER_RETURN_IF_ERROR(
      ReadEnum(message.archive_kind(), ArchiveChoice::Kind::kFormat, &source.archive.kind));
  CLOISTER_RETURN_IF_ERROR(
      ReadEnum(message.archive_format(), ArchiveFormat::kZst, &source.archive.format));
  source.file_name = message.file_name();
  ObjectsFromMessage(message, &source);
  source.credentials = message.credentials();
  source.unpack.strip_components = message.strip_components();
  source.unpack.umask = message.umask();
  source.unpack.limits = LimitRequestFromMessage(message.limits());
  return source;
}

internal::FetchRequest::Credential CredentialToMessage(const Credential& credential) {
  internal::FetchRequest::Credential message;
  message.set_kind(static_cast<int>(credential.kind));
  message.set_user(credential.user);
  message.set_secret(credential.secret);
  message.set_session_token(credential.session_token);
  message.set_passphrase(credential.passphrase);
  message.set_known_hosts(credential.known_hosts);
  return message;
}

absl::StatusOr<Credential> CredentialFromMessage(
    const internal::FetchRequest::Credential& message) {
  Credential credential;
  CLOISTER_RETURN_IF_ERROR(ReadEnum(message.kind(), Credential::Kind::kSshKey, &credential.kind));
  credential.user = message.user();
  credential.secret = message.secret();
  credential.session_token = message.session_token();
  credential.passphrase = message.passphrase();
  credential.known_hosts = message.known_hosts();
  return credential;
}

internal::FetchRequest::HttpLimits HttpLimitsToMessage(const HttpLimits& limits) {
  internal::FetchRequest::HttpLimits message;
  message.set_max_bytes(limits.max_bytes);
  message.set_redirects(limits.redirects);
  message.set_connect_ns(absl::ToInt64Nanoseconds(limits.connect));
  message.set_read_ns(absl::ToInt64Nanoseconds(limits.read));
  message.set_min_bytes_per_second(limits.min_bytes_per_second);
  message.set_total_ns(absl::ToInt64Nanoseconds(limits.total));
  return message;
}

HttpLimits HttpLimitsFromMessage(const internal::FetchRequest::HttpLimits& message) {
  HttpLimits limits;
  limits.max_bytes = message.max_bytes();
  limits.redirects = message.redirects();
  limits.connect = absl::Nanoseconds(message.connect_ns());
  limits.read = absl::Nanoseconds(message.read_ns());
  limits.min_bytes_per_second = message.min_bytes_per_second();
  limits.total = absl::Nanoseconds(message.total_ns());
  return limits;
}

internal::EgressPolicy::Cidr CidrToMessage(const Cidr& cidr) {
  internal::EgressPolicy::Cidr message;
  message.set_network(cidr.network.bytes.data(), cidr.network.bytes.size());
  message.set_prefix(cidr.prefix);
  return message;
}

absl::StatusOr<Cidr> CidrFromMessage(const internal::EgressPolicy::Cidr& message) {
  Cidr cidr;
  if (message.network().size() != cidr.network.bytes.size() || message.prefix() < 0 ||
      message.prefix() > 128) {
    return absl::InvalidArgumentError("egress policy: a network that is none");
  }
  std::copy(message.network().begin(), message.network().end(), cidr.network.bytes.begin());
  cidr.prefix = message.prefix();
  return cidr;
}

}  // namespace

internal::WireStatus StatusToMessage(const absl::Status& status) {
  internal::WireStatus message;
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(status.message()));
  message.set_retryable(IsRetryable(status));
  message.set_retry_after_ns(absl::ToInt64Nanoseconds(RetryAfter(status)));
  return message;
}

absl::Status StatusFromMessage(const internal::WireStatus& message) {
  if (message.code() == 0) return absl::OkStatus();
  absl::StatusCode code = absl::StatusCode::kInternal;
  if (message.code() > 0 &&
      message.code() <= static_cast<int>(absl::StatusCode::kUnauthenticated)) {
    code = static_cast<absl::StatusCode>(message.code());
  }
  absl::Status status(code, message.message());
  if (!message.retryable()) return status;
  return MarkRetryable(std::move(status), absl::Nanoseconds(message.retry_after_ns()));
}

internal::FetchValidators ValidatorsToMessage(const Validators& validators) {
  internal::FetchValidators message;
  message.set_etag(validators.etag);
  message.set_last_modified(validators.last_modified);
  return message;
}

Validators ValidatorsFromMessage(const internal::FetchValidators& message) {
  Validators validators;
  validators.etag = message.etag();
  validators.last_modified = message.last_modified();
  return validators;
}

internal::FetchReport ReportToMessage(const FetchReport& report) {
  internal::FetchReport message;
  message.set_not_modified(report.not_modified);
  message.set_is_tree(report.is_tree);
  message.set_file_name(report.file_name);
  message.set_sha256(report.sha256);
  for (const Checksum& digest : report.digests) *message.add_digests() = DigestToMessage(digest);
  message.set_commit(report.commit);
  message.set_bytes(report.bytes);
  *message.mutable_validators() = ValidatorsToMessage(report.validators);
  message.set_redirects(report.redirects);
  message.set_checksum_list_ns(absl::ToInt64Nanoseconds(report.times.checksum_list));
  message.set_download_ns(absl::ToInt64Nanoseconds(report.times.download));
  message.set_unpack_ns(absl::ToInt64Nanoseconds(report.times.unpack));
  message.set_total_ns(absl::ToInt64Nanoseconds(report.times.total));
  return message;
}

FetchReport ReportFromMessage(const internal::FetchReport& message) {
  FetchReport report;
  report.not_modified = message.not_modified();
  report.is_tree = message.is_tree();
  report.file_name = message.file_name();
  report.sha256 = message.sha256();
  for (const internal::Digest& digest : message.digests()) {
    absl::StatusOr<Checksum> checksum = DigestFromMessage(digest);
    if (checksum.ok()) report.digests.push_back(*std::move(checksum));
  }
  report.commit = message.commit();
  report.bytes = message.bytes();
  report.validators = ValidatorsFromMessage(message.validators());
  report.redirects = message.redirects();
  report.times.checksum_list = absl::Nanoseconds(message.checksum_list_ns());
  report.times.download = absl::Nanoseconds(message.download_ns());
  report.times.unpack = absl::Nanoseconds(message.unpack_ns());
  report.times.total = absl::Nanoseconds(message.total_ns());
  return report;
}

internal::FetchRequest RequestToMessage(const FetchRequest& request) {
  internal::FetchRequest message;
  *message.mutable_source() = SourceToMessage(request.source);
  for (const auto& header : request.headers) {
    internal::FetchRequest::Header* field = message.add_headers();
    field->set_name(header.first);
    field->set_value(header.second);
  }
  *message.mutable_credential() = CredentialToMessage(request.credential);
  message.set_mode(static_cast<int>(request.mode));
  message.mutable_http()->set_insecure(request.http.insecure);
  message.mutable_http()->set_proxy(request.http.proxy);
  *message.mutable_limits() = HttpLimitsToMessage(request.limits);
  *message.mutable_unpack() = UnpackLimitsToMessage(request.unpack);
  *message.mutable_resume() = ValidatorsToMessage(request.resume);
  *message.mutable_if_changed() = ValidatorsToMessage(request.if_changed);
  return message;
}

absl::StatusOr<FetchRequest> RequestFromMessage(const internal::FetchRequest& message) {
  FetchRequest request;
  CLOISTER_ASSIGN_OR_RETURN(request.source, SourceFromMessage(message.source()));
  for (const internal::FetchRequest::Header& header : message.headers()) {
    request.headers.emplace_back(header.name(), header.value());
  }
  CLOISTER_ASSIGN_OR_RETURN(request.credential, CredentialFromMessage(message.credential()));
  CLOISTER_RETURN_IF_ERROR(ReadEnum(message.mode(), FetchMode::kDir, &request.mode));
  request.http.insecure = message.http().insecure();
  request.http.proxy = message.http().proxy();
  request.limits = HttpLimitsFromMessage(message.limits());
  request.unpack = UnpackLimitsFromMessage(message.unpack());
  request.resume = ValidatorsFromMessage(message.resume());
  request.if_changed = ValidatorsFromMessage(message.if_changed());
  return request;
}

internal::BrokerPolicy OrdersToMessage(const BrokerOrders& orders) {
  internal::BrokerPolicy message;
  message.set_connect_ms(absl::ToInt64Milliseconds(orders.connect));
  message.set_connections(orders.connections);
  internal::EgressPolicy* policy = message.mutable_policy();
  for (const std::string& scheme : orders.policy.schemes) policy->add_schemes(scheme);
  for (const std::string& host : orders.policy.allowed_hosts) policy->add_allowed_hosts(host);
  for (const std::string& host : orders.policy.denied_hosts) policy->add_denied_hosts(host);
  for (const Cidr& cidr : orders.policy.allowed_networks) {
    *policy->add_allowed_networks() = CidrToMessage(cidr);
  }
  for (const Cidr& cidr : orders.policy.denied_networks) {
    *policy->add_denied_networks() = CidrToMessage(cidr);
  }
  policy->set_proxy_host(orders.policy.proxy_host);
  policy->set_proxy_port(orders.policy.proxy_port);
  return message;
}

absl::StatusOr<BrokerOrders> OrdersFromMessage(const internal::BrokerPolicy& message) {
  BrokerOrders orders;
  orders.connect = absl::Milliseconds(message.connect_ms());
  orders.connections = message.connections();
  const internal::EgressPolicy& policy = message.policy();
  orders.policy.schemes.assign(policy.schemes().begin(), policy.schemes().end());
  orders.policy.allowed_hosts.assign(policy.allowed_hosts().begin(), policy.allowed_hosts().end());
  orders.policy.denied_hosts.assign(policy.denied_hosts().begin(), policy.denied_hosts().end());
  for (const internal::EgressPolicy::Cidr& network : policy.allowed_networks()) {
    CLOISTER_ASSIGN_OR_RETURN(const Cidr cidr, CidrFromMessage(network));
    orders.policy.allowed_networks.push_back(cidr);
  }
  for (const internal::EgressPolicy::Cidr& network : policy.denied_networks()) {
    CLOISTER_ASSIGN_OR_RETURN(const Cidr cidr, CidrFromMessage(network));
    orders.policy.denied_networks.push_back(cidr);
  }
  orders.policy.proxy_host = policy.proxy_host();
  orders.policy.proxy_port = static_cast<uint16_t>(policy.proxy_port());
  return orders;
}

}  // namespace cloister::artifact
