#include "libs/artifact/hasher.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/page_buffer.h"

namespace cloister::artifact {
namespace {

constexpr size_t kReadBytes = 256 << 10;

const EVP_MD* MethodOf(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kMd5:
      return EVP_md5();
    case DigestAlgorithm::kSha1:
      return EVP_sha1();
    case DigestAlgorithm::kSha256:
      return EVP_sha256();
    case DigestAlgorithm::kSha384:
      return EVP_sha384();
    case DigestAlgorithm::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Hasher::Stream {
  DigestAlgorithm algorithm;
  std::unique_ptr<EVP_MD_CTX, FreeContext> context;
  // A library in FIPS mode computes no MD5: such a digest stays empty and matches nothing.
  bool works = false;
};

Hasher::Hasher(const std::set<DigestAlgorithm>& also) {
  std::set<DigestAlgorithm> all = also;
  all.insert(DigestAlgorithm::kSha256);
  for (const DigestAlgorithm algorithm : all) {
    Stream stream{algorithm, std::unique_ptr<EVP_MD_CTX, FreeContext>(EVP_MD_CTX_new())};
    stream.works = stream.context != nullptr &&
                   EVP_DigestInit_ex(stream.context.get(), MethodOf(algorithm), nullptr) == 1;
    streams_.push_back(std::move(stream));
  }
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::Update(absl::string_view bytes) {
  for (Stream& stream : streams_) {
    if (stream.works)
      stream.works = EVP_DigestUpdate(stream.context.get(), bytes.data(), bytes.size()) == 1;
  }
}

std::vector<Checksum> Hasher::Finish() {
  std::vector<Checksum> digests;
  for (Stream& stream : streams_) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (!stream.works || EVP_DigestFinal_ex(stream.context.get(), bytes, &size) != 1) size = 0;
    stream.works = false;
    digests.push_back({stream.algorithm, absl::BytesToHexString(absl::string_view(
                                             reinterpret_cast<const char*>(bytes), size))});
  }
  return digests;
}

std::string HexOf(const std::vector<Checksum>& digests, DigestAlgorithm algorithm) {
  for (const Checksum& digest : digests) {
    if (digest.algorithm == algorithm) return digest.hex;
  }
  return "";
}

absl::Status VerifyChecksum(const Checksum& expected, const std::vector<Checksum>& digests) {
  const std::string computed = HexOf(digests, expected.algorithm);
  const absl::string_view name = DigestAlgorithmName(expected.algorithm);
  // Two empty texts would be equal.
  if (computed.empty())
    return absl::InternalError(absl::StrCat("no ", name, " of the content was computed"));
  if (computed == expected.hex) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the content has the checksum ", name, ":", computed,
                                          ", not the expected ", expected.ToString()));
}

absl::StatusOr<std::vector<Checksum>> HashFile(int fd, absl::string_view shown,
                                               const std::set<DigestAlgorithm>& also) {
  Hasher hasher(also);
  const PageBuffer buffer(kReadBytes);
  off_t offset = 0;
  while (true) {
    const ssize_t count = pread(fd, buffer.data(), kReadBytes, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, shown);
    if (count == 0) return hasher.Finish();
    hasher.Update({buffer.data(), static_cast<size_t>(count)});
    offset += count;
  }
}

}  // namespace cloister::artifact
