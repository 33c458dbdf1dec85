#include "libs/artifact/git_protocol.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kMaxPktBytes = 65520;
constexpr size_t kIdDigits = 40;
constexpr size_t kMaxWants = 20'000;

std::string Said(absl::string_view text) {
  return absl::CHexEscape(absl::StripAsciiWhitespace(text).substr(0, 200));
}

absl::Status ServerError(absl::string_view text) {
  return absl::FailedPreconditionError(absl::StrCat("the git server says: ", Said(text)));
}

// -1 if there is none.
int LengthOf(absl::string_view digits) {
  int length = 0;
  for (const char c : digits) {
    if (!absl::ascii_isxdigit(c)) return -1;
    length = length * 16 + (absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
  }
  return length;
}

const std::string* Find(const GitAdvertisement& advertisement, absl::string_view name) {
  for (const auto& ref : advertisement.refs) {
    if (ref.first == name) return &ref.second;
  }
  return nullptr;
}

}  // namespace

std::string PktLine(absl::string_view text) {
  return absl::StrCat(absl::StrFormat("%04x", text.size() + kHeaderBytes), text);
}

bool IsGitId(absl::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::Status PktLineReader::Feed(absl::string_view bytes, const OnLine& on_line) {
  while (!bytes.empty() || pending_.size() >= kHeaderBytes) {
    if (pending_.size() < kHeaderBytes) {
      const size_t more = std::min(bytes.size(), kHeaderBytes - pending_.size());
      pending_.append(bytes.data(), more);
      bytes.remove_prefix(more);
      if (pending_.size() < kHeaderBytes) return absl::OkStatus();
    }
    const int length = LengthOf(absl::string_view(pending_).substr(0, kHeaderBytes));
    if (length == 0) {
      pending_.clear();
      CLOISTER_RETURN_IF_ERROR(on_line("", true));
      continue;
    }
    // 1 to 3 are of version 2.
    if (length < static_cast<int>(kHeaderBytes) || length > static_cast<int>(kMaxPktBytes)) {
      return absl::DataLossError("the git server sends what is no packet line");
    }
    const size_t more = std::min(bytes.size(), static_cast<size_t>(length) - pending_.size());
    pending_.append(bytes.data(), more);
    bytes.remove_prefix(more);
    if (pending_.size() < static_cast<size_t>(length)) return absl::OkStatus();
    const std::string line = std::move(pending_);
    pending_.clear();
    CLOISTER_RETURN_IF_ERROR(on_line(absl::string_view(line).substr(kHeaderBytes), false));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> AdvertisementReader::Feed(absl::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > kMaxAdvertisementBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the git server's list of references is larger than ", kMaxAdvertisementBytes, " bytes"));
  }
  CLOISTER_RETURN_IF_ERROR(
      lines_.Feed(bytes, [this](absl::string_view line, bool flush) -> absl::Status {
        if (whole_) return absl::DataLossError("the git server sends more than its references");
        if (!flush) return TakeLine(line);
        // The flush packet after the service's name ends nothing yet.
        if (in_service_) {
          in_service_ = false;
        } else {
          whole_ = true;
        }
        return absl::OkStatus();
      }));
  return whole_;
}

absl::Status AdvertisementReader::TakeLine(absl::string_view line) {
  if (absl::StartsWith(line, "ERR ")) return ServerError(line.substr(4));
  if (in_service_) {
    if (absl::StripSuffix(line, "\n") == "# service=git-upload-pack") return absl::OkStatus();
    return absl::DataLossError("the git server names another service");
  }
  const size_t nul = line.find('\0');
  if (nul != absl::string_view::npos && advertisement_.refs.empty()) {
    for (const absl::string_view word :
         absl::StrSplit(absl::StripSuffix(line.substr(nul + 1), "\n"), ' ', absl::SkipEmpty())) {
      advertisement_.capabilities.insert(std::string(word));
    }
  }
  const absl::string_view ref = absl::StripSuffix(line.substr(0, nul), "\n");
  if (absl::StartsWith(ref, "shallow ")) return absl::OkStatus();
  if (ref.size() < kIdDigits + 2 || !IsGitId(ref.substr(0, kIdDigits)) || ref[kIdDigits] != ' ') {
    return absl::DataLossError("the git server sends what is no reference");
  }
  const absl::string_view name = ref.substr(kIdDigits + 1);
  // Of an empty repository.
  if (name == "capabilities^{}") return absl::OkStatus();
  if (advertisement_.refs.size() >= kMaxAdvertisedRefs) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the repository has more than ", kMaxAdvertisedRefs, " references"));
  }
  advertisement_.refs.emplace_back(std::string(name), std::string(ref.substr(0, kIdDigits)));
  return absl::OkStatus();
}

absl::StatusOr<GitWant> ChooseWant(const GitAdvertisement& advertisement, absl::string_view ref) {
  GitWant want;
  want.shallow = advertisement.capabilities.count("shallow") != 0;
  std::vector<std::string> names = {"HEAD"};
  if (!ref.empty()) {
    names = {absl::StrCat("refs/heads/", ref), absl::StrCat("refs/tags/", ref)};
    if (absl::StartsWith(ref, "refs/")) names = {std::string(ref)};
  }
  for (const std::string& name : names) {
    if (const std::string* id = Find(advertisement, name)) {
      want.ids = {*id};
      want.id = *id;
      want.name = name;
      return want;
    }
  }
  if (!IsGitId(ref)) {
    if (ref.empty()) return absl::NotFoundError("the repository has no HEAD: it may be empty");
    return absl::NotFoundError(
        absl::StrCat("ref '", Said(ref), "': the repository has no such branch or tag"));
  }
  want.id = std::string(ref);
  const bool tip = std::any_of(advertisement.refs.begin(), advertisement.refs.end(),
                               [&](const auto& entry) { return entry.second == ref; });
  if (tip || advertisement.capabilities.count("allow-reachable-sha1-in-want") != 0 ||
      advertisement.capabilities.count("allow-any-sha1-in-want") != 0) {
    want.ids = {want.id};
    return want;
  }
  want.shallow = false;
  std::set<std::string> ids;
  for (const auto& entry : advertisement.refs) {
    const bool branch_or_tag =
        absl::StartsWith(entry.first, "refs/heads/") || absl::StartsWith(entry.first, "refs/tags/");
    if (branch_or_tag && !absl::EndsWith(entry.first, "^{}")) ids.insert(entry.second);
  }
  if (ids.empty()) return absl::NotFoundError("the repository is empty");
  if (ids.size() > kMaxWants) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "ref '", ref, "': no reference is this commit, and the repository has more than ",
        kMaxWants, " to look through"));
  }
  want.ids.assign(ids.begin(), ids.end());
  return want;
}

absl::StatusOr<std::string> UploadPackRequest(const GitAdvertisement& advertisement,
                                              const GitWant& want) {
  if (advertisement.capabilities.count("side-band-64k") == 0) {
    return absl::FailedPreconditionError("the git server is too old: it has no side-band-64k");
  }
  std::string capabilities = " side-band-64k agent=cloister";
  for (const char* optional : {"ofs-delta", "no-progress"}) {
    if (advertisement.capabilities.count(optional) != 0) {
      absl::StrAppend(&capabilities, " ", optional);
    }
  }
  std::string request;
  for (const std::string& id : want.ids) {
    absl::StrAppend(&request,
                    PktLine(absl::StrCat("want ", id, request.empty() ? capabilities : "", "\n")));
  }
  if (want.shallow) absl::StrAppend(&request, PktLine("deepen 1\n"));
  absl::StrAppend(&request, kFlushPkt, PktLine("done\n"));
  return request;
}

absl::Status PackReader::Feed(absl::string_view bytes) {
  return lines_.Feed(bytes,
                     [this](absl::string_view line, bool flush) { return TakeLine(line, flush); });
}

absl::Status PackReader::TakeLine(absl::string_view line, bool flush) {
  if (whole_) return absl::DataLossError("the git server sends more than the pack");
  if (flush) {
    if (!in_shallow_ && !in_pack_) return absl::DataLossError("the git server sends no pack");
    whole_ = in_pack_;
    in_shallow_ = false;
    return absl::OkStatus();
  }
  if (absl::StartsWith(line, "ERR ")) return ServerError(line.substr(4));
  if (in_shallow_) {
    if (absl::StartsWith(line, "shallow ") || absl::StartsWith(line, "unshallow ")) {
      return absl::OkStatus();
    }
    in_shallow_ = false;
  }
  if (!in_pack_) {
    if (absl::StripSuffix(line, "\n") != "NAK") {
      return absl::DataLossError("the git server answers with neither NAK nor an error");
    }
    in_pack_ = true;
    return absl::OkStatus();
  }
  if (line.empty()) return absl::DataLossError("the git server sends an empty packet");
  switch (line[0]) {
    case 1:
      return on_pack_(line.substr(1));
    case 2:
      return absl::OkStatus();
    case 3:
      return ServerError(line.substr(1));
    default:
      return absl::DataLossError("the git server sends a packet of no band");
  }
}

}  // namespace cloister::artifact
