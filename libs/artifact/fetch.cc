#include "libs/artifact/fetch.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "libs/artifact/fetch_tree.h"
#include "libs/artifact/git_fetch.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/hg_fetch.h"
#include "libs/artifact/raw_file.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/source_request.h"
#include "libs/artifact/text_sink.h"
#include "libs/artifact/unpack.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
// Broken transfers that are gone on with at once, each after it has brought something.
constexpr int kResumes = 3;
constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

class OneFetch {
 public:
  OneFetch(const FetchRequest& request, int output_dirfd, Connector& connector,
           FetchObserver& observer)
      : request_(request),
        source_(request.source),
        output_(output_dirfd),
        connector_(connector),
        observer_(observer),
        deadline_(absl::Now() +
                  std::min(request.limits.total,
                           source_.unpack.limits.deadline.value_or(absl::InfiniteDuration()))) {}

  absl::StatusOr<FetchReport> Run() {
    const absl::Time begin = absl::Now();
    absl::Status status = RunPhases();
    report_.times.total = absl::Now() - begin;
    if (status.ok() && report_.not_modified) keep_raw_ = false;
    const bool made = status.ok() && !report_.not_modified;
    // Nothing stays after a failure but what a retry can go on from.
    const absl::Status cleaned =
        Tidy(output_, made, !status.ok() && keep_raw_ && IsRetryable(status));
    if (!status.ok()) return status;
    CLOISTER_RETURN_IF_ERROR(cleaned);
    return std::move(report_);
  }

 private:
  std::string Shown() const { return RedactedSource(source_); }

  std::string FileName() const {
    return source_.file_name.empty() ? "artifact" : source_.file_name;
  }

  absl::optional<ArchiveFormat> Format() const { return source_.archive.FormatOf(FileName()); }

  absl::Status RunPhases() {
    CLOISTER_ASSIGN_OR_RETURN(
        unpack_limits_, Annotate(ApplyLimits(source_.unpack.limits, request_.unpack), Shown()));
    if (source_.kind == SourceKind::kGit || source_.kind == SourceKind::kHg) {
      return FetchRepositoryKind();
    }
    CLOISTER_RETURN_IF_ERROR(FindChecksum());
    CLOISTER_RETURN_IF_ERROR(FetchRaw());
    if (report_.not_modified) return absl::OkStatus();
    CLOISTER_RETURN_IF_ERROR(Verify());
    return Annotate(MakeContent(), Shown());
  }

  HttpLimits LimitsNow() const {
    HttpLimits limits = request_.limits;
    limits.total = std::max(deadline_ - absl::Now(), absl::ZeroDuration());
    // Of what is not unpacked the file is the content.
    if (source_.unpack.limits.bytes.has_value() && !Format().has_value()) {
      limits.max_bytes = static_cast<int64_t>(std::min<uint64_t>(
          *source_.unpack.limits.bytes, static_cast<uint64_t>(limits.max_bytes)));
    }
    return limits;
  }

  // The digest that was asked for: as written, or from the list that was named.
  absl::Status FindChecksum() {
    if (!source_.checksum.has_value()) return absl::OkStatus();
    expected_ = source_.checksum->digest;
    if (expected_.has_value()) return absl::OkStatus();
    observer_.OnPhase(FetchObserver::Phase::kChecksumList);
    const absl::Time begin = absl::Now();
    HttpRequest list;
    CLOISTER_ASSIGN_OR_RETURN(
        list, Annotate(ChecksumListRequest(source_, request_.headers, request_.credential), Shown(),
                       ": checksum list"));
    TextSink sink;
    HttpLimits limits = LimitsNow();
    limits.max_bytes = kMaxChecksumListBytes;
    absl::StatusOr<DownloadReport> got = Download(list, request_.http, limits, connector_, sink);
    if (!got.ok()) return Annotate(got.status(), "checksum list");
    CLOISTER_ASSIGN_OR_RETURN(
        expected_,
        Annotate(FindInChecksumList(sink.text(), ListedPath(source_)), Shown(), ": checksum list"));
    report_.times.checksum_list = absl::Now() - begin;
    return absl::OkStatus();
  }

  absl::Status FetchRaw() {
    observer_.OnPhase(FetchObserver::Phase::kDownload);
    const absl::Time begin = absl::Now();
    std::set<DigestAlgorithm> algorithms;
    if (expected_.has_value()) algorithms.insert(expected_->algorithm);
    absl::StatusOr<RawFile> raw = RawFile::Open(output_, request_.resume, algorithms);
    if (!raw.ok()) return Annotate(raw.status(), Shown());
    raw->Observe([this](int64_t bytes, int64_t total) { observer_.OnProgress(bytes, total); },
                 [this](const Validators& validators) {
                   keep_raw_ = !validators.empty();
                   observer_.OnValidators(validators);
                 });
    raw_ = std::make_unique<RawFile>(*std::move(raw));
    CLOISTER_RETURN_IF_ERROR(source_.kind == SourceKind::kFile ? CopyFile() : DownloadRaw());
    report_.bytes = raw_->size();
    report_.times.download = absl::Now() - begin;
    return absl::OkStatus();
  }

  absl::Status DownloadRaw() {
    HttpRequest request;
    CLOISTER_ASSIGN_OR_RETURN(
        request, Annotate(SourceRequest(source_, request_.headers, request_.credential), Shown()));
    request.if_changed = request_.if_changed;
    for (int resumes = 0;; ++resumes) {
      request.offset = raw_->size();
      request.resume = raw_->validators();
      const absl::StatusOr<DownloadReport> got =
          Download(request, request_.http, LimitsNow(), connector_, *raw_);
      if (got.ok()) {
        report_.not_modified = got->not_modified;
        report_.validators = got->validators;
        report_.redirects = got->redirects;
        return absl::OkStatus();
      }
      const bool brought_some = raw_->size() > request.offset && !raw_->validators().empty();
      if (!IsRetryable(got.status()) || !brought_some || resumes == kResumes) return got.status();
    }
  }

  absl::Status CopyFile() {
    if (request_.file_fd < 0) {
      return absl::PermissionDeniedError(
          absl::StrCat(Shown(), ": file sources are not allowed on this node"));
    }
    const auto piece = std::make_unique<char[]>(kPieceBytes);
    CLOISTER_RETURN_IF_ERROR(raw_->Begin(0, -1, {}));
    const int64_t max_bytes = LimitsNow().max_bytes;
    for (int64_t offset = 0;;) {
      const ssize_t got = pread(request_.file_fd, piece.get(), kPieceBytes, offset);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus(errno, Shown());
      if (got == 0) return absl::OkStatus();
      offset += got;
      if (offset > max_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat(Shown(), ": the file is larger than ",
                                                         max_bytes, " bytes (limit max_bytes)"));
      }
      if (absl::Now() >= deadline_) {
        return absl::DeadlineExceededError(
            absl::StrCat(Shown(), ": not done in time (limit total)"));
      }
      CLOISTER_RETURN_IF_ERROR(raw_->Write({piece.get(), static_cast<size_t>(got)}));
    }
  }

  absl::Status Verify() {
    report_.digests = raw_->Finish();
    report_.sha256 = HexOf(report_.digests, DigestAlgorithm::kSha256);
    if (!expected_.has_value()) return absl::OkStatus();
    // What was fetched is not what was meant: nothing to go on from.
    keep_raw_ = false;
    return Annotate(VerifyChecksum(*expected_, report_.digests), Shown());
  }

  absl::Status MakeContent() {
    keep_raw_ = false;
    const std::string name = FileName();
    const absl::optional<ArchiveFormat> format = Format();
    const bool single = !format.has_value() || IsSingleFile(*format);
    if (single && request_.mode == FetchMode::kDir) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is no archive, and mode dir wants a directory"));
    }
    if (single && !source_.subdir.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name, "' is no archive: there is no directory '", source_.subdir, "' in it"));
    }
    if (!format.has_value()) {
      report_.file_name = name;
      return KeepFile(output_, name);
    }
    observer_.OnPhase(FetchObserver::Phase::kUnpack);
    const absl::Time begin = absl::Now();
    CLOISTER_RETURN_IF_ERROR(UnpackRaw(*format, name));
    report_.times.unpack = absl::Now() - begin;
    CLOISTER_RETURN_IF_ERROR(Take());
    if (!single) return absl::OkStatus();
    report_.is_tree = false;
    report_.file_name = WithoutArchiveEnding(name, *format);
    return absl::OkStatus();
  }

  // `content` of `tree`, in the form that the mode wants.
  absl::Status Take() {
    TakenTree taken;
    CLOISTER_ASSIGN_OR_RETURN(taken, TakeTree(output_, source_.subdir));
    report_.is_tree = taken.is_directory && request_.mode != FetchMode::kFile;
    report_.file_name = taken.file_name;
    if (!taken.is_directory && request_.mode == FetchMode::kDir) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", source_.subdir, "' is a file, and mode dir wants a directory"));
    }
    if (taken.is_directory && request_.mode == FetchMode::kFile) {
      CLOISTER_ASSIGN_OR_RETURN(report_.file_name, OnlyFile(output_));
    }
    return absl::OkStatus();
  }

  absl::Status UnpackRaw(ArchiveFormat format, const std::string& name) {
    OwnedFd tree;
    CLOISTER_ASSIGN_OR_RETURN(tree, MakeTree(output_));
    UnpackOptions options;
    options.limits = unpack_limits_;
    options.strip_components = source_.unpack.strip_components;
    options.umask = source_.unpack.umask;
    options.single_file_name = WithoutArchiveEnding(name, format);
    return Unpack(raw_->fd(), format, tree.get(), options).status();
  }

  absl::Status FetchRepositoryKind() {
    const bool is_hg = source_.kind == SourceKind::kHg;
    if (source_.checksum.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(), ": a repository has no checksum: name a commit by ",
                       is_hg ? "rev" : "ref", " instead"));
    }
    if (request_.mode == FetchMode::kFile && source_.subdir.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(), ": a repository is no file: name one by //path, or mode dir"));
    }
    CLOISTER_RETURN_IF_ERROR(is_hg ? FetchHgTree() : FetchGitTree());
    return Annotate(Take(), Shown());
  }

  absl::Status FetchGitTree() {
    observer_.OnPhase(FetchObserver::Phase::kDownload);
    const absl::Time begin = absl::Now();
    OwnedFd tree;
    CLOISTER_ASSIGN_OR_RETURN(tree, MakeTree(output_));
    GitFetchRequest git;
    git.url = source_.url;
    git.revision = source_.git;
    git.headers = request_.headers;
    git.credential = request_.credential;
    git.http = request_.http;
    git.limits = request_.limits;
    git.deadline = deadline_;
    git.unpack = unpack_limits_;
    git.umask = source_.unpack.umask;
    git.on_progress = [this](int64_t bytes) { OnRepositoryProgress(bytes); };
    CLOISTER_ASSIGN_OR_RETURN(git.scratch, MakeScratch("packs"));
    GitFetchReport got;
    CLOISTER_ASSIGN_OR_RETURN(got, FetchGit(git, tree.get(), connector_));
    observer_.OnProgress(got.bytes, got.bytes);
    report_.commit = got.commit;
    report_.bytes = got.bytes;
    report_.times.download = absl::Now() - begin;
    return absl::OkStatus();
  }

  absl::Status FetchHgTree() {
    observer_.OnPhase(FetchObserver::Phase::kDownload);
    const absl::Time begin = absl::Now();
    absl::Time received;
    HgFetchRequest hg;
    hg.url = source_.url;
    hg.rev = source_.hg_rev;
    hg.headers = request_.headers;
    hg.credential = request_.credential;
    hg.http = request_.http;
    hg.limits = request_.limits;
    hg.deadline = deadline_;
    // History is no part of what was asked for: of it the node's own limits count.
    hg.unpack = request_.unpack;
    hg.program = request_.hg_program;
    hg.on_progress = [this](int64_t bytes) { OnRepositoryProgress(bytes); };
    hg.on_received = [&] {
      received = absl::Now();
      observer_.OnPhase(FetchObserver::Phase::kUnpack);
    };
    CLOISTER_ASSIGN_OR_RETURN(hg.scratch, MakeScratch("hg"));
    HgFetchReport got;
    CLOISTER_ASSIGN_OR_RETURN(got, FetchHg(hg, connector_));
    CLOISTER_RETURN_IF_ERROR(Annotate(UnpackHg(got.archive.get()), Shown()));
    observer_.OnProgress(got.bytes, got.bytes);
    report_.commit = got.node;
    report_.bytes = got.bytes;
    report_.times.download = received - begin;
    report_.times.unpack = absl::Now() - received;
    return absl::OkStatus();
  }

  absl::Status UnpackHg(int archive) {
    OwnedFd tree;
    CLOISTER_ASSIGN_OR_RETURN(tree, MakeTree(output_));
    UnpackOptions options;
    options.limits = unpack_limits_;
    options.strip_components = source_.unpack.strip_components;
    options.umask = source_.unpack.umask;
    // Who runs hg in the tree would run what is configured in there.
    options.refused_name = ".hg";
    return Unpack(archive, ArchiveFormat::kTar, tree.get(), options).status();
  }

  // For what takes paths. A program that is started has its own /proc/self.
  absl::StatusOr<std::string> MakeScratch(const char* name) {
    if (mkdirat(output_, name, 0700) != 0) return ErrnoStatus(errno, name);
    const std::string output = request_.output_path.empty()
                                   ? absl::StrCat("/proc/", getpid(), "/fd/", output_)
                                   : request_.output_path;
    return absl::StrCat(output, "/", name);
  }

  void OnRepositoryProgress(int64_t bytes) {
    const absl::Time now = absl::Now();
    if (now - last_progress_ < kProgressInterval) return;
    last_progress_ = now;
    observer_.OnProgress(bytes, -1);
  }

  const FetchRequest& request_;
  const ArtifactSource& source_;
  const int output_;
  Connector& connector_;
  FetchObserver& observer_;
  const absl::Time deadline_;

  UnpackLimits unpack_limits_;
  absl::optional<Checksum> expected_;
  std::unique_ptr<RawFile> raw_;
  bool keep_raw_ = false;
  absl::Time last_progress_ = absl::InfinitePast();
  FetchReport report_;
};

}  // namespace

absl::StatusOr<FetchReport> Fetch(const FetchRequest& request, int output_dirfd,
                                  Connector& connector, FetchObserver& observer) {
  return OneFetch(request, output_dirfd, connector, observer).Run();
}

void PreloadFetch() {
  PreloadDownload();
  PreloadGitFetch();
  // OpenSSL looks its digests up once.
  Hasher({DigestAlgorithm::kMd5, DigestAlgorithm::kSha1, DigestAlgorithm::kSha384,
          DigestAlgorithm::kSha512})
      .Finish();
}

}  // namespace cloister::artifact
