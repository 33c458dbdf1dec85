#include "tests/testing/test_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/tls_files.h"

namespace cloister {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

absl::Status SslError(absl::string_view what) {
  char words[256];
  ERR_error_string_n(ERR_get_error(), words, sizeof(words));
  ERR_clear_error();
  return absl::InternalError(absl::StrCat(what, ": ", words));
}

// Written beside and renamed, so that whoever watches the file never reads half of it.
absl::Status WriteFile(const std::string& path, absl::string_view bytes, mode_t mode) {
  const std::string beside = absl::StrCat(path, ".new");
  OwnedFd fd(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return ErrnoStatus(errno, beside);
  if (write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, beside);
  }
  if (rename(beside.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Contents(bio.get());
}

std::string KeyPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Contents(bio.get());
}

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return SslError(absl::StrCat("extension ", value));
  }
  return absl::OkStatus();
}

// As ASN.1 and not through the configuration syntax, so that a name may hold any bytes.
absl::Status AddUriNames(X509* certificate, const std::vector<std::string>& uris) {
  if (uris.empty()) return absl::OkStatus();
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  for (const std::string& uri : uris) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    sk_GENERAL_NAME_push(names, name);
  }
  const int added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
  sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
  return added == 1 ? absl::OkStatus() : SslError("subject alternative names");
}

// Everything but extensions and signature.
absl::StatusOr<Certificate> NewCertificate(EVP_PKEY* key, absl::string_view common_name,
                                           const TestCa::Contents& contents) {
  Certificate certificate(X509_new());
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  absl::ToInt64Seconds(contents.valid_from));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  absl::ToInt64Seconds(contents.valid_until));
  const std::string name(common_name);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  if (X509_set_pubkey(certificate.get(), key) != 1) return SslError("public key");
  return certificate;
}

}  // namespace

struct TestCa::Identity {
  Key key;
  Certificate certificate;
};

TestCa::TestCa(std::string directory, std::unique_ptr<Identity> identity)
    : directory_(std::move(directory)),
      authority_(absl::StrCat(directory_, "/ca.crt")),
      identity_(std::move(identity)) {}
TestCa::TestCa(TestCa&&) noexcept = default;
TestCa& TestCa::operator=(TestCa&&) noexcept = default;
TestCa::~TestCa() = default;

const std::string& TestCa::authority() const { return authority_; }

absl::StatusOr<TestCa> TestCa::Create(const std::string& directory) {
  auto identity = std::make_unique<Identity>();
  identity->key.reset(EVP_EC_gen("P-256"));
  if (identity->key == nullptr) return SslError("authority's key");
  CLOISTER_ASSIGN_OR_RETURN(identity->certificate,
                            NewCertificate(identity->key.get(), "cloister test authority", {}));
  X509* certificate = identity->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  CLOISTER_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE"));
  CLOISTER_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign"));
  CLOISTER_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_subject_key_identifier, "hash"));
  if (X509_sign(certificate, identity->key.get(), EVP_sha256()) == 0) return SslError("signing");
  TestCa ca(directory, std::move(identity));
  CLOISTER_RETURN_IF_ERROR(
      WriteFile(ca.authority_, CertificatePem(ca.identity_->certificate.get()), 0644));
  return ca;
}

absl::StatusOr<rpc::TlsFiles> TestCa::Issue(absl::string_view role, absl::string_view name) const {
  Contents contents;
  contents.uris = {absl::StrCat("cloister://", role, "/", name)};
  return IssueWith(absl::StrCat(role, "-", name), contents);
}

absl::StatusOr<rpc::TlsFiles> TestCa::IssueWith(absl::string_view stem,
                                                const Contents& contents) const {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return SslError("key");
  CLOISTER_ASSIGN_OR_RETURN(const Certificate certificate,
                            NewCertificate(key.get(), stem, contents));
  X509* issuer = identity_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  CLOISTER_RETURN_IF_ERROR(
      AddExtension(certificate.get(), issuer, NID_ext_key_usage, "clientAuth,serverAuth"));
  CLOISTER_RETURN_IF_ERROR(
      AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid"));
  CLOISTER_RETURN_IF_ERROR(AddUriNames(certificate.get(), contents.uris));
  if (X509_sign(certificate.get(), identity_->key.get(), EVP_sha256()) == 0) {
    return SslError("signing");
  }
  const rpc::TlsFiles files = {absl::StrCat(directory_, "/", stem, ".crt"),
                               absl::StrCat(directory_, "/", stem, ".key"), authority_};
  CLOISTER_RETURN_IF_ERROR(WriteFile(files.key, KeyPem(key.get()), 0600));
  CLOISTER_RETURN_IF_ERROR(WriteFile(files.certificate, CertificatePem(certificate.get()), 0644));
  return files;
}

}  // namespace cloister
