#include "libs/artifact/git_pack.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "libs/artifact/entry_path.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kMaxTopFileBytes = 1 << 20;
constexpr size_t kMaxPackObjects = 20'000'000;
constexpr size_t kMappedPieceBytes = 32 << 20;
constexpr size_t kMappedBytes = 256 << 20;
constexpr size_t kCachedBytes = 64 << 20;

template <typename T, void (*kFree)(T*)>
struct FreeBy {
  void operator()(T* object) const { kFree(object); }
};
using Indexer = std::unique_ptr<git_indexer, FreeBy<git_indexer, git_indexer_free>>;
using Odb = std::unique_ptr<git_odb, FreeBy<git_odb, git_odb_free>>;
using Repository = std::unique_ptr<git_repository, FreeBy<git_repository, git_repository_free>>;
using Object = std::unique_ptr<git_object, FreeBy<git_object, git_object_free>>;
using Commit = std::unique_ptr<git_commit, FreeBy<git_commit, git_commit_free>>;
using Tree = std::unique_ptr<git_tree, FreeBy<git_tree, git_tree_free>>;
using Blob = std::unique_ptr<git_blob, FreeBy<git_blob, git_blob_free>>;

absl::Status GitError(absl::string_view what) {
  const git_error* const error = git_error_last();
  return absl::DataLossError(absl::StrCat(
      what, ": ", error != nullptr && error->message != nullptr ? error->message : "no reason"));
}

absl::StatusOr<git_oid> ParseId(const std::string& id) {
  git_oid oid;
  if (git_oid_fromstr(&oid, id.c_str()) != 0) {
    return absl::InvalidArgumentError("a git id is 40 hexadecimal digits");
  }
  return oid;
}

std::string IdText(const git_oid* oid) {
  char text[GIT_OID_HEXSZ + 1];
  git_oid_tostr(text, sizeof(text), oid);
  return text;
}

absl::Status OverLimit(absl::string_view name, uint64_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the repository has more than ", limit, " ", name, " (limit ", name, ")"));
}

absl::Status WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write");
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

// One walk over a commit's tree.
class CheckoutWalk {
 public:
  CheckoutWalk(git_repository* repository, git_odb* odb, TreeWriter& writer, GitBudget& budget,
               int64_t commit_time, std::vector<GitSubmodule>* submodules)
      : repository_(repository),
        odb_(odb),
        writer_(writer),
        budget_(budget),
        time_{static_cast<time_t>(commit_time), 0},
        submodules_(submodules) {}

  absl::Status Walk(const git_tree* tree, EntryPath* path) {
    const size_t count = git_tree_entrycount(tree);
    for (size_t i = 0; i < count; ++i) {
      const git_tree_entry* const entry = git_tree_entry_byindex(tree, i);
      path->push_back(git_tree_entry_name(entry));
      absl::Status status = CheckEntry(*path);
      if (status.ok()) status = WriteEntry(entry, path);
      if (!status.ok()) return Annotate(std::move(status), "'", ShownPath(*path), "'");
      path->pop_back();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckEntry(const EntryPath& path) {
    const std::string& name = path.back();
    // What git itself never checks out; the empty name and the slash would be other paths.
    if (name.empty() || name == "." || name == ".." || absl::StrContains(name, '/') ||
        absl::EqualsIgnoreCase(name, ".git")) {
      return absl::InvalidArgumentError("the name is not allowed in a tree");
    }
    CLOISTER_RETURN_IF_ERROR(ParseEntryPath(absl::StrJoin(path, "/"), 0, budget_.limits).status());
    if (++budget_.files > budget_.limits.files) return OverLimit("files", budget_.limits.files);
    if (absl::Now() >= budget_.deadline) {
      return absl::DeadlineExceededError("checkout: not done in time (limit deadline)");
    }
    return absl::OkStatus();
  }

  absl::Status WriteEntry(const git_tree_entry* entry, EntryPath* path) {
    const git_oid* const id = git_tree_entry_id(entry);
    switch (git_tree_entry_filemode(entry)) {
      case GIT_FILEMODE_TREE: {
        Tree child;
        git_tree* raw = nullptr;
        if (git_tree_lookup(&raw, repository_, id) != 0) return GitError("tree");
        child.reset(raw);
        CLOISTER_RETURN_IF_ERROR(writer_.MakeDirectory(*path, {0777 & ~budget_.umask, time_}));
        return Walk(child.get(), path);
      }
      case GIT_FILEMODE_BLOB:
      case GIT_FILEMODE_BLOB_EXECUTABLE:
        return WriteFile(*id, *path,
                         git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB ? 0666 : 0777);
      case GIT_FILEMODE_LINK:
        return WriteLink(*id, *path);
      case GIT_FILEMODE_COMMIT:
        submodules_->push_back({*path, IdText(id)});
        return writer_.MakeDirectory(*path, {0777 & ~budget_.umask, time_});
      default:
        return absl::InvalidArgumentError("is of no kind that git knows");
    }
  }

  // By its header first: a small pack can hold a blob of any size.
  absl::StatusOr<Blob> Read(const git_oid& id) {
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (git_odb_read_header(&size, &type, odb_, &id) != 0) return GitError("blob");
    if (size > budget_.limits.bytes - budget_.bytes)
      return OverLimit("bytes", budget_.limits.bytes);
    git_blob* blob = nullptr;
    if (git_blob_lookup(&blob, repository_, &id) != 0) return GitError("blob");
    Blob owned(blob);
    budget_.bytes += static_cast<uint64_t>(git_blob_rawsize(blob));
    if (budget_.bytes > budget_.limits.bytes) return OverLimit("bytes", budget_.limits.bytes);
    return owned;
  }

  absl::Status WriteFile(const git_oid& id, const EntryPath& path, mode_t mode) {
    Blob blob;
    CLOISTER_ASSIGN_OR_RETURN(blob, Read(id));
    const EntryFacts facts = {mode & ~budget_.umask, time_};
    OwnedFd fd;
    CLOISTER_ASSIGN_OR_RETURN(fd, writer_.CreateFile(path, facts));
    CLOISTER_RETURN_IF_ERROR(WriteAll(fd.get(),
                                      static_cast<const char*>(git_blob_rawcontent(blob.get())),
                                      static_cast<size_t>(git_blob_rawsize(blob.get()))));
    return writer_.FinishFile(path, fd.get(), facts);
  }

  absl::Status WriteLink(const git_oid& id, const EntryPath& path) {
    Blob blob;
    CLOISTER_ASSIGN_OR_RETURN(blob, Read(id));
    const std::string target(static_cast<const char*>(git_blob_rawcontent(blob.get())),
                             static_cast<size_t>(git_blob_rawsize(blob.get())));
    CLOISTER_RETURN_IF_ERROR(CheckLinkTarget(target, static_cast<int>(path.size()) - 1));
    return writer_.MakeSymlink(path, target, time_);
  }

  git_repository* const repository_;
  git_odb* const odb_;
  TreeWriter& writer_;
  GitBudget& budget_;
  const timespec time_;
  std::vector<GitSubmodule>* const submodules_;
};

}  // namespace

struct GitPack::Objects {
  std::string directory;
  Indexer indexer;
  git_indexer_progress progress = {};
  Odb odb;
  Repository repository;

  absl::StatusOr<Tree> TreeOf(const std::string& commit, int64_t* time) const {
    git_oid oid;
    CLOISTER_ASSIGN_OR_RETURN(oid, ParseId(commit));
    git_commit* raw = nullptr;
    if (git_commit_lookup(&raw, repository.get(), &oid) != 0) return GitError("commit");
    const Commit owned(raw);
    *time = git_commit_time(raw);
    git_tree* tree = nullptr;
    if (git_commit_tree(&tree, raw) != 0) return GitError("tree");
    return Tree(tree);
  }
};

GitPack::GitPack() : objects_(std::make_unique<Objects>()) {}
GitPack::GitPack(GitPack&&) noexcept = default;
GitPack& GitPack::operator=(GitPack&&) noexcept = default;
GitPack::~GitPack() = default;

absl::StatusOr<GitPack> GitPack::Create(const std::string& directory) {
  PreloadGit();
  GitPack pack;
  pack.objects_->directory = directory;
  git_indexer* indexer = nullptr;
  if (git_indexer_new(&indexer, directory.c_str(), 0600, nullptr, nullptr) != 0) {
    return GitError("pack");
  }
  pack.objects_->indexer.reset(indexer);
  return pack;
}

absl::Status GitPack::Append(absl::string_view bytes) {
  if (git_indexer_append(objects_->indexer.get(), bytes.data(), bytes.size(),
                         &objects_->progress) != 0) {
    return GitError("pack");
  }
  return absl::OkStatus();
}

absl::Status GitPack::Finish() {
  if (git_indexer_commit(objects_->indexer.get(), &objects_->progress) != 0) {
    return GitError("pack");
  }
  const std::string index = absl::StrCat(objects_->directory, "/pack-",
                                         git_indexer_name(objects_->indexer.get()), ".idx");
  objects_->indexer.reset();
  git_odb* odb = nullptr;
  if (git_odb_new(&odb) != 0) return GitError("pack");
  objects_->odb.reset(odb);
  git_odb_backend* backend = nullptr;
  if (git_odb_backend_one_pack(&backend, index.c_str()) != 0) return GitError("pack");
  if (git_odb_add_backend(odb, backend, 1) != 0) {
    backend->free(backend);
    return GitError("pack");
  }
  git_repository* repository = nullptr;
  if (git_repository_wrap_odb(&repository, odb) != 0) return GitError("pack");
  objects_->repository.reset(repository);
  return absl::OkStatus();
}

absl::StatusOr<std::string> GitPack::ResolveCommit(const std::string& id) const {
  git_oid oid;
  CLOISTER_ASSIGN_OR_RETURN(oid, ParseId(id));
  git_object* object = nullptr;
  if (git_object_lookup(&object, objects_->repository.get(), &oid, GIT_OBJECT_ANY) != 0) {
    return absl::NotFoundError(absl::StrCat("the repository has no commit ", id));
  }
  const Object owned(object);
  git_object* commit = nullptr;
  if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(id, " is no commit"));
  }
  const Object peeled(commit);
  return IdText(git_object_id(commit));
}

absl::Status GitPack::Checkout(const std::string& commit, const EntryPath& prefix,
                               TreeWriter& writer, GitBudget& budget,
                               std::vector<GitSubmodule>* submodules) const {
  int64_t time = 0;
  Tree tree;
  CLOISTER_ASSIGN_OR_RETURN(tree, objects_->TreeOf(commit, &time));
  EntryPath path = prefix;
  return CheckoutWalk(objects_->repository.get(), objects_->odb.get(), writer, budget, time,
                      submodules)
      .Walk(tree.get(), &path);
}

absl::StatusOr<std::string> GitPack::TopFile(const std::string& commit,
                                             const std::string& name) const {
  int64_t time = 0;
  Tree tree;
  CLOISTER_ASSIGN_OR_RETURN(tree, objects_->TreeOf(commit, &time));
  const git_tree_entry* const entry = git_tree_entry_byname(tree.get(), name.c_str());
  if (entry == nullptr || git_tree_entry_type(entry) != GIT_OBJECT_BLOB) return std::string();
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, objects_->odb.get(), git_tree_entry_id(entry)) != 0) {
    return GitError(name);
  }
  if (size > kMaxTopFileBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("'", name, "' is larger than 1 MiB"));
  }
  git_blob* blob = nullptr;
  if (git_blob_lookup(&blob, objects_->repository.get(), git_tree_entry_id(entry)) != 0) {
    return GitError(name);
  }
  const Blob owned(blob);
  return std::string(static_cast<const char*>(git_blob_rawcontent(blob)),
                     static_cast<size_t>(git_blob_rawsize(blob)));
}

void PreloadGit() {
  static const int initialised = [] {
    const int result = git_libgit2_init();
    for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                            GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, kMaxPackObjects);
    // By default it maps up to 8 GiB, in pieces of 1 GiB: more than a cell may have.
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kMappedPieceBytes);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedBytes);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, static_cast<ssize_t>(kCachedBytes));
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    return result;
  }();
  static_cast<void>(initialised);
}

}  // namespace cloister::artifact
