#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/files/file_path.h"
#include "tools/cloister/table.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

// "drwxr-xr-x", as ls(1) has it.
std::string ModeInWords(const v1::FileInfo& file) {
  constexpr char kKinds[] = "?-dlpsbc";
  std::string words(1, kKinds[file.kind() < 8 ? file.kind() : 0]);
  for (int bit = 8; bit >= 0; --bit) {
    words += (file.mode() >> bit & 1) != 0 ? "xwr"[bit % 3] : '-';
  }
  return words;
}

std::string NameInWords(const v1::FileInfo& file) {
  std::string name = files::ShownPath(file.name());
  if (!file.link_target().empty()) {
    absl::StrAppend(&name, " -> ", files::ShownPath(file.link_target()));
  }
  return name;
}

// "TASK:/path"; the path as it is in the task, "/" if there is none.
struct TaskPath {
  std::string task;
  std::string path;
};

absl::optional<TaskPath> ParseTaskPath(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos || colon == 0) return absl::nullopt;
  // "./a:b" and "/a:b" are files of the machine.
  if (word.substr(0, colon).find('/') != std::string::npos) return absl::nullopt;
  return TaskPath{word.substr(0, colon), word.substr(colon + 1)};
}

absl::StatusOr<TaskPath> ExpectTaskPath(const std::string& word) {
  absl::optional<TaskPath> path = ParseTaskPath(word);
  if (!path.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", word, "' must be TASK:PATH, e.g. web:/local/index.html"));
  }
  if (path->path.empty()) path->path = "/";
  return *path;
}

class FsLsVerb : public Verb {
 public:
  absl::string_view name() const override { return "fs ls"; }
  absl::string_view arguments() const override { return "[flags] TASK[:PATH]"; }
  absl::string_view summary() const override { return "List a directory of a task"; }
  absl::string_view completes() const override { return "task"; }
  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("numbers", &numbers_, "Sizes in bytes.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (absl::Status status = ExpectArguments(arguments, {"TASK[:PATH]"}); !status.ok()) {
      return status;
    }
    const TaskPath path = ParseTaskPath(arguments[0]).value_or(TaskPath{arguments[0], "/"});
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::string> id = (*client)->ResolveTask(path.task);
    if (!id.ok()) return id.status();
    v1::ListFilesRequest request;
    request.set_task_id(*id);
    request.set_path(path.path.empty() ? "/" : path.path);
    // A page at a time: a directory can have millions.
    absl::Status status = (*client)->ListFiles(
        request, [&](const v1::ListFilesResponse& page) { return Print(Show(page)); });
    if (!status.ok()) return status;
    return 0;
  }

 private:
  std::string Show(const v1::ListFilesResponse& page) const {
    std::string lines;
    for (const v1::FileInfo& file : page.files()) {
      absl::StrAppend(
          &lines, ModeInWords(file), "  ",
          absl::StrFormat("%5d %5d  %10s  ", file.uid(), file.gid(),
                          numbers_ ? absl::StrCat(file.size()) : BytesInWords(file.size())),
          TimeInWords(file.modify_time()), "  ", NameInWords(file), "\n");
    }
    return lines;
  }

  bool numbers_ = false;
};

class FsCatVerb : public Verb {
 public:
  absl::string_view name() const override { return "fs cat"; }
  absl::string_view arguments() const override { return "[flags] TASK:PATH"; }
  absl::string_view summary() const override { return "Print a file of a task"; }
  absl::string_view completes() const override { return "task"; }
  void DeclareFlags(FlagSet* flags) override {
    flags->Number("offset", &offset_, 0, INT64_MAX, "BYTES", "Begin at this byte.");
    flags->Number("length", &length_, 1, INT64_MAX, "BYTES", "At most so many bytes.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (absl::Status status = ExpectArguments(arguments, {"TASK:PATH"}); !status.ok()) {
      return status;
    }
    absl::StatusOr<TaskPath> path = ExpectTaskPath(arguments[0]);
    if (!path.ok()) return path.status();
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::string> id = (*client)->ResolveTask(path->task);
    if (!id.ok()) return id.status();
    v1::ReadFileRequest request;
    request.set_task_id(*id);
    request.set_path(path->path);
    request.set_offset(static_cast<uint64_t>(offset_.value_or(0)));
    request.set_length(static_cast<uint64_t>(length_.value_or(0)));
    absl::Status read = (*client)->ReadFile(request, Print);
    if (!read.ok()) return read;
    return 0;
  }

 private:
  absl::optional<int64_t> offset_;
  absl::optional<int64_t> length_;
};

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, absl::StrCat("write '", name, "'"));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

class FsCpVerb : public Verb {
 public:
  absl::string_view name() const override { return "fs cp"; }
  absl::string_view arguments() const override { return "TASK:PATH FILE | FILE TASK:PATH"; }
  absl::string_view summary() const override { return "Copy one file from or into a task"; }
  absl::string_view details() const override {
    return "Into a task only beneath /local, /alloc, /tmp and /secrets. What is there is replaced "
           "at "
           "once and whole.";
  }
  void DeclareFlags(FlagSet*) override {}

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (absl::Status status = ExpectArguments(arguments, {"SOURCE", "TARGET"}); !status.ok()) {
      return status;
    }
    const absl::optional<TaskPath> from = ParseTaskPath(arguments[0]);
    const absl::optional<TaskPath> into = ParseTaskPath(arguments[1]);
    if (from.has_value() == into.has_value()) {
      return absl::InvalidArgumentError("one of the two must be TASK:PATH, the other a file here");
    }
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    const TaskPath& path = from.has_value() ? *from : *into;
    absl::StatusOr<std::string> id = (*client)->ResolveTask(path.task);
    if (!id.ok()) return id.status();
    const absl::Status copied = from.has_value()
                                    ? CopyOut(client->get(), *id, path.path, arguments[1])
                                    : CopyIn(client->get(), *id, path.path, arguments[0]);
    if (!copied.ok()) return copied;
    return 0;
  }

 private:
  // Beside the target and renamed: what breaks off leaves what was there.
  static absl::Status CopyOut(Client* client, const std::string& id, const std::string& path,
                              const std::string& target) {
    std::string unfinished = absl::StrCat(target, ".XXXXXX");
    const OwnedFd file(mkostemp(unfinished.data(), O_CLOEXEC));
    if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("create '", target, "'"));
    v1::ReadFileRequest request;
    request.set_task_id(id);
    request.set_path(path);
    absl::Status status = client->ReadFile(
        request, [&](absl::string_view piece) { return WriteAll(file.get(), piece, unfinished); });
    // Not the mode that a task has chosen: setuid and the like are nothing to take home.
    if (status.ok() && fchmod(file.get(), 0644) != 0) status = ErrnoStatus(errno, unfinished);
    if (status.ok() && rename(unfinished.c_str(), target.c_str()) != 0) {
      status = ErrnoStatus(errno, absl::StrCat("'", target, "'"));
    }
    if (!status.ok()) unlink(unfinished.c_str());
    return status;
  }

  static absl::Status CopyIn(Client* client, const std::string& id, const std::string& path,
                             const std::string& source) {
    const OwnedFd file(open(source.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status;
    if (!file.valid() || fstat(file.get(), &status) != 0) {
      return ErrnoStatus(errno, absl::StrCat("open '", source, "'"));
    }
    v1::PutFileRequest::Header header;
    header.set_task_id(id);
    header.set_path(path);
    header.set_mode(status.st_mode & 0777);
    return client
        ->PutFile(header,
                  [&](std::string* piece) -> absl::Status {
                    piece->resize(kPieceBytes);
                    ssize_t size;
                    do {
                      size = read(file.get(), piece->data(), piece->size());
                    } while (size < 0 && errno == EINTR);
                    if (size < 0) return ErrnoStatus(errno, absl::StrCat("read '", source, "'"));
                    piece->resize(static_cast<size_t>(size));
                    return absl::OkStatus();
                  })
        .status();
  }
};

}  // namespace

std::unique_ptr<Verb> MakeFsLsVerb() { return std::make_unique<FsLsVerb>(); }
std::unique_ptr<Verb> MakeFsCatVerb() { return std::make_unique<FsCatVerb>(); }
std::unique_ptr<Verb> MakeFsCpVerb() { return std::make_unique<FsCpVerb>(); }

}  // namespace cloister
