#include "libs/rpc/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

void FreeNames(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<FreeNames>>;

constexpr size_t kMaxFileBytes = 1 << 20;

template <typename... Parts>
absl::Status Unfit(const Parts&... parts) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(parts...));
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, absl::string_view what,
                                            struct stat* info) {
  const std::string name = absl::StrCat("the ", what, " '", path, "'");
  if (path.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mutual TLS needs a certificate, a key and an authority: no ", what, " is named"));
  }
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(errno, name);
  if (fstat(fd.get(), info) != 0) return ErrnoStatus(errno, name);
  if (!S_ISREG(info->st_mode)) return Unfit(name, " is not a regular file");
  std::string bytes(kMaxFileBytes + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(fd.get(), &bytes[size], bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, name);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  if (size > kMaxFileBytes) return Unfit(name, " is longer than a megabyte");
  bytes.resize(size);
  return bytes;
}

absl::Status CheckKeyAccess(const std::string& path, const struct stat& info) {
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return Unfit("the key '", path, "' belongs to uid ", info.st_uid,
                 ": it must belong to us (uid ", geteuid(), ") or to root");
  }
  // As PostgreSQL has it: a packaged key is root's, and read through a group such as ssl-cert.
  const mode_t excess = info.st_mode & (info.st_uid == 0 ? 0037 : 0077);
  if (excess != 0) {
    return Unfit("the key '", path, "' can be read by others (mode ",
                 absl::StrFormat("%04o", info.st_mode & 07777), "): chmod 600 it");
  }
  return absl::OkStatus();
}

// Without it OpenSSL would ask on the terminal.
int RefusePassphrase(char*, int, int, void*) { return 0; }

absl::StatusOr<std::vector<Certificate>> ParseCertificates(const std::string& path,
                                                           absl::string_view what) {
  struct stat info;
  CLOISTER_ASSIGN_OR_RETURN(const std::string pem, ReadRegularFile(path, what, &info));
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> certificates;
  while (
      Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, RefusePassphrase, nullptr)}) {
    certificates.push_back(std::move(certificate));
  }
  ERR_clear_error();  // "no start line": how the reader says that it has reached the end.
  if (certificates.empty()) return Unfit("the ", what, " '", path, "' holds no PEM certificate");
  return certificates;
}

absl::StatusOr<Key> ParseKey(const std::string& path) {
  struct stat info;
  CLOISTER_ASSIGN_OR_RETURN(const std::string pem, ReadRegularFile(path, "key", &info));
  CLOISTER_RETURN_IF_ERROR(CheckKeyAccess(path, info));
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, nullptr));
  if (key == nullptr) return Unfit("the key '", path, "' holds no unencrypted PEM private key");
  return key;
}

absl::Status CheckPeriod(const X509& certificate, const std::string& path, absl::Time now) {
  time_t seconds = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notBefore(&certificate), &seconds) > 0) {
    return Unfit("the certificate '", path, "' is not valid yet: is this machine's clock right?");
  }
  if (X509_cmp_time(X509_get0_notAfter(&certificate), &seconds) < 0) {
    return Unfit("the certificate '", path, "' has expired");
  }
  return absl::OkStatus();
}

// `certificates` are ours, then intermediate ones.
absl::Status CheckSignature(const std::vector<Certificate>& certificates,
                            const std::vector<Certificate>& authorities, const TlsFiles& files,
                            absl::Time now) {
  Store store(X509_STORE_new());
  for (const Certificate& authority : authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  STACK_OF(X509)* intermediates = sk_X509_new_null();  // Borrows what it holds.
  for (size_t i = 1; i < certificates.size(); ++i) {
    sk_X509_push(intermediates, certificates[i].get());
  }
  StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificates[0].get(), intermediates);
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  const bool verified = X509_verify_cert(context.get()) == 1;
  sk_X509_free(intermediates);
  if (verified) return absl::OkStatus();
  return Unfit("the certificate '", files.certificate, "' is not good for the authority '",
               files.authority,
               "': ", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

absl::StatusOr<Principal> ReadPrincipal(const X509& certificate, const std::string& path) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<absl::string_view> uris;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* text = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return Annotate(Principal::FromUriNames(uris), "'", path, "'");
}

}  // namespace

absl::StatusOr<Principal> CheckTlsFiles(const TlsFiles& files, absl::Time now) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<Certificate> certificates,
                            ParseCertificates(files.certificate, "certificate"));
  CLOISTER_ASSIGN_OR_RETURN(const Key key, ParseKey(files.key));
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities,
                            ParseCertificates(files.authority, "authority"));
  const X509& own = *certificates[0];
  if (X509_check_private_key(&own, key.get()) != 1) {
    return Unfit("the key '", files.key, "' is not that of the certificate '", files.certificate,
                 "'");
  }
  CLOISTER_RETURN_IF_ERROR(CheckPeriod(own, files.certificate, now));
  CLOISTER_RETURN_IF_ERROR(CheckSignature(certificates, authorities, files, now));
  return ReadPrincipal(own, files.certificate);
}

}  // namespace cloister::rpc
