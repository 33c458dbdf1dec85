// Records: small files that are replaced whole and read back whole, or not at all.
//
// A record is written beside its place and renamed onto it, so that whoever reads sees the old one
// or the new one. Its head holds the length and a CRC-32C of the bytes: what a crash of the machine
// left half on the disk is told apart from what somebody wrote. Bytes are opaque here (protocol
// buffers of record.proto and launch_record.proto). All names are relative to a directory that only
// we can write.
//
//   "CLR1" · length, 4 bytes · CRC-32C, 4 bytes · the bytes            numbers are little-endian
#ifndef CLOISTER_LIBS_STATE_RECORD_FILE_H_
#define CLOISTER_LIBS_STATE_RECORD_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::state {

constexpr size_t kMaxRecordBytes = 8 << 20;

enum class Durability {
  // Survives the death of every process. After a crash of the machine it may be old, absent or
  // DATA_LOSS.
  kRename,
  // On the disk, name and all, when the call returns: fsync(2) of file and directory.
  kSync,
};

// Writes record `name` (one plain name) in `directory` (borrowed), mode 0600. One writer of a name
// at a time. Errors name the file's whole path. OUT_OF_RANGE over kMaxRecordBytes. On failure the
// old record stands.
absl::Status WriteRecord(int directory, const std::string& name, absl::string_view bytes,
                         Durability durability = Durability::kRename);

// What WriteRecord wrote. NOT_FOUND if there is none; DATA_LOSS, with the path and what is wrong,
// for a file that is short, long, damaged, over kMaxRecordBytes or no regular file.
absl::StatusOr<std::string> ReadRecord(int directory, const std::string& name);

// Brings a record that was written with kRename to the disk, name and all.
absl::Status SyncRecord(int directory, const std::string& name);

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_RECORD_FILE_H_
