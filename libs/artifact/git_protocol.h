// The client's half of git's pack protocol, version 0, as far as one tree is fetched by it: which
// references a server has, what is asked for, and the pack that comes. Pure: bytes in, bytes out.
// Source: gitprotocol-pack(5), gitprotocol-common(5), gitprotocol-http(5).
//
// libgit2's own transports are not used: they open sockets themselves, run no shallow fetch
// (in 1.5) and want a repository with its configuration. Its indexer and object database are
// (git_pack.h).
#ifndef CLOISTER_LIBS_ARTIFACT_GIT_PROTOCOL_H_
#define CLOISTER_LIBS_ARTIFACT_GIT_PROTOCOL_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::artifact {

// A line with its length in front ("0009done\n"). At most 65516 bytes of text.
std::string PktLine(absl::string_view text);
constexpr absl::string_view kFlushPkt = "0000";

// Takes bytes as they come and gives whole lines.
class PktLineReader {
 public:
  // `line` is empty and `flush` true of a flush packet. The first error ends it.
  using OnLine = std::function<absl::Status(absl::string_view line, bool flush)>;

  absl::Status Feed(absl::string_view bytes, const OnLine& on_line);
  // True between packets.
  bool AtBoundary() const { return pending_.empty(); }

 private:
  std::string pending_;
};

struct GitAdvertisement {
  // {"HEAD", id}, {"refs/heads/main", id}, {"refs/tags/v1^{}", id of what it is a tag of}, ...
  std::vector<std::pair<std::string, std::string>> refs;
  std::set<std::string> capabilities;
};

constexpr size_t kMaxAdvertisedRefs = 200'000;
constexpr size_t kMaxAdvertisementBytes = 32 << 20;

// Over ssh the lines alone; over HTTP (`http`) preceded by the service's name. Taken as it comes.
class AdvertisementReader {
 public:
  explicit AdvertisementReader(bool http) : in_service_(http) {}

  // True once it is whole: no byte after it is taken.
  absl::StatusOr<bool> Feed(absl::string_view bytes);
  const GitAdvertisement& advertisement() const { return advertisement_; }

 private:
  absl::Status TakeLine(absl::string_view line);

  bool in_service_;
  bool whole_ = false;
  size_t bytes_ = 0;
  PktLineReader lines_;
  GitAdvertisement advertisement_;
};

// What to ask for, so that `commit` (or the tag that leads to it) is in the pack.
struct GitWant {
  std::vector<std::string> ids;
  // One commit deep, where the server can.
  bool shallow = false;
  // What `ref` stands for: the commit or tag to look up in the pack.
  std::string id;
  // "refs/heads/main", "HEAD", or empty of a commit.
  std::string name;
};

// `ref`: a branch, else a tag, else a full name ("refs/..."), else the 40 hexadecimal digits of a
// commit; empty: HEAD. A commit that no reference points to is asked for by its id where the server
// allows it; else everything is, and the commit is looked for in it. NOT_FOUND names the ref.
absl::StatusOr<GitWant> ChooseWant(const GitAdvertisement& advertisement, absl::string_view ref);

// The one request: wants, depth, done.
absl::StatusOr<std::string> UploadPackRequest(const GitAdvertisement& advertisement,
                                              const GitWant& want);

// The answer to it: hands on the bytes of the pack.
class PackReader {
 public:
  using OnPack = std::function<absl::Status(absl::string_view bytes)>;

  PackReader(bool shallow, OnPack on_pack) : in_shallow_(shallow), on_pack_(std::move(on_pack)) {}

  // What a server says to people (its errors) goes into the status, cut and made printable.
  absl::Status Feed(absl::string_view bytes);
  // True once the server has ended the pack.
  bool whole() const { return whole_; }

 private:
  absl::Status TakeLine(absl::string_view line, bool flush);

  bool in_shallow_;
  bool in_pack_ = false;
  bool whole_ = false;
  PktLineReader lines_;
  const OnPack on_pack_;
};

// 40 hexadecimal digits in lower case.
bool IsGitId(absl::string_view text);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_GIT_PROTOCOL_H_
