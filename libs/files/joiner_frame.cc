#include "libs/files/joiner_frame.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "libs/base/field_violations.h"

namespace cloister::files {
namespace {

constexpr unsigned kMaxNameBytes = 255;

v1::FileInfo::Kind KindOf(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return v1::FileInfo::KIND_FILE;
    case S_IFDIR:
      return v1::FileInfo::KIND_DIRECTORY;
    case S_IFLNK:
      return v1::FileInfo::KIND_LINK;
    case S_IFIFO:
      return v1::FileInfo::KIND_FIFO;
    case S_IFSOCK:
      return v1::FileInfo::KIND_SOCKET;
    case S_IFBLK:
      return v1::FileInfo::KIND_BLOCK_DEVICE;
    case S_IFCHR:
      return v1::FileInfo::KIND_CHARACTER_DEVICE;
    default:
      return v1::FileInfo::KIND_UNSPECIFIED;
  }
}

v1::FileInfo MakeInfo(const JoinerEntry& entry, absl::string_view name, absl::string_view target) {
  v1::FileInfo info;
  info.set_name(name.data(), name.size());
  info.set_kind(KindOf(entry.mode));
  info.set_size(entry.size);
  info.set_allocated_bytes(entry.blocks * 512);
  info.set_mode(entry.mode & 07777);
  info.set_uid(entry.uid);
  info.set_gid(entry.gid);
  info.mutable_modify_time()->set_seconds(entry.modify_seconds);
  info.mutable_modify_time()->set_nanos(static_cast<int32_t>(entry.modify_nanos));
  info.set_link_target(target.data(), target.size());
  return info;
}

}  // namespace

absl::StatusOr<Frame> ParseFrame(std::string bytes) {
  Frame frame;
  if (bytes.size() < sizeof(frame.header)) return absl::DataLossError("a short frame of a joiner");
  std::memcpy(&frame.header, bytes.data(), sizeof(frame.header));
  frame.body = std::move(bytes);
  frame.body.erase(0, sizeof(frame.header));
  return frame;
}

std::string MakeFrame(const FrameHeader& header, absl::string_view body) {
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(body.data(), body.size());
  return bytes;
}

JoinerRequest MakeRequest(JoinerVerb verb, absl::string_view path) {
  JoinerRequest request;
  std::memset(&request, 0, sizeof(request));
  request.verb = verb;
  std::memcpy(request.path, path.data(), std::min<size_t>(path.size(), kMaxPathBytes - 1));
  return request;
}

absl::string_view BytesOf(const JoinerRequest& request) {
  return absl::string_view(reinterpret_cast<const char*>(&request), sizeof(request));
}

absl::StatusOr<std::vector<v1::FileInfo>> ParseEntries(absl::string_view body) {
  std::vector<v1::FileInfo> entries;
  while (!body.empty()) {
    JoinerEntry entry;
    if (body.size() < sizeof(entry)) return absl::DataLossError("a short entry of a joiner");
    std::memcpy(&entry, body.data(), sizeof(entry));
    if (entry.name_size > kMaxNameBytes || entry.target_size > kMaxPathBytes ||
        body.size() < PaddedEntryBytes(entry)) {
      return absl::DataLossError("a wrong entry of a joiner");
    }
    entries.push_back(MakeInfo(entry, body.substr(sizeof(entry), entry.name_size),
                               body.substr(sizeof(entry) + entry.name_size, entry.target_size)));
    body.remove_prefix(PaddedEntryBytes(entry));
  }
  return entries;
}

std::string ListKey(const ListPosition& position) {
  return std::string(reinterpret_cast<const char*>(&position), sizeof(position));
}

absl::StatusOr<ListPosition> ParseListKey(absl::string_view key) {
  ListPosition position;
  if (key.empty()) return position;
  if (key.size() != sizeof(position)) {
    return InvalidArgument({{"page_token", "is not of this list"}});
  }
  std::memcpy(&position, key.data(), sizeof(position));
  return position;
}

}  // namespace cloister::files
