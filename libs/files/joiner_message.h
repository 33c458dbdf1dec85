// The wire between an executor and a joiner (services/joiner): one call, then the joiner ends. One
// message per SOCK_SEQPACKET datagram, as structures in memory, since both ends are of one build:
// the executor's words go to the launcher in protobuf, and a joiner is the launcher's own program.
// The launcher may be of an earlier version, so: additive for ever, like its own wire.
//
//   executor                      joiner
//   JoinerRequest              ->
//                              <- FrameHeader kInfo + entry          stat; read, before the data
//                              <- FrameHeader kEntries + entries     list, any number
//                              <- FrameHeader kData + bytes          read, any number
//                              <- FrameHeader kReady                 put
//   FrameHeader kData + bytes  ->                                    put, any number
//   FrameHeader kCommit        ->                                    put
//                              <- FrameHeader kInfo + entry          put
//                              <- FrameHeader kEnd | kFailed         last; after it the socket's
//                              end
//
// Also for freestanding code, so without the C++ library.
#ifndef CLOISTER_LIBS_FILES_JOINER_MESSAGE_H_
#define CLOISTER_LIBS_FILES_JOINER_MESSAGE_H_

#include <stdint.h>

namespace cloister::files {

enum JoinerVerb : uint32_t {
  kJoinerStat = 1,
  kJoinerList = 2,
  kJoinerRead = 3,
  kJoinerPut = 4,
};

// A path with its NUL; as PATH_MAX.
constexpr unsigned kMaxPathBytes = 4096;
// One datagram, header included. Two or three of them fit into a socket, then the sender waits.
constexpr unsigned kMaxFrameBytes = 60 * 1024;

struct JoinerRequest {
  uint32_t verb;
  // kJoinerStat: what a link at the end leads to.
  uint32_t follow_link;
  // kJoinerPut: permission bits.
  uint32_t mode;
  // kJoinerList: most entries, and most bytes that they may take.
  uint32_t max_entries;
  uint32_t max_bytes;
  uint32_t unused;
  // kJoinerRead: first byte, and how many (0: all). kJoinerList: the position in the directory.
  uint64_t offset;
  uint64_t length;
  // kJoinerList, with an offset: the directory has to be this one still.
  uint64_t directory_inode;
  // kJoinerPut: name of the file until it is complete; NUL-terminated.
  char temporary[64];
  // NUL-terminated.
  char path[kMaxPathBytes];
};

enum FrameKind : uint32_t {
  kFrameInfo = 1,
  kFrameEntries = 2,
  kFrameData = 3,
  kFrameReady = 4,
  kFrameCommit = 5,
  kFrameEnd = 6,
  kFrameFailed = 7,
};

// What a joiner was at when it failed.
enum JoinerStep : uint32_t {
  // Of the launcher, before there was a joiner.
  kStepNotRunning = 1,  // The task has ended, or not begun.
  kStepStart = 2,
  // Of the child, before the program.
  kStepCgroup = 3,
  kStepEnter = 4,
  kStepIdentity = 5,
  kStepProgram = 6,
  // Of the program.
  kStepPrepare = 10,
  kStepRequest = 11,  // A request that it does not know.
  kStepPlace = 12,    // Not in one of the task's own directories.
  kStepOpen = 13,
  kStepKind = 14,  // Neither file nor directory, as wanted; the error number tells.
  kStepRead = 15,
  kStepList = 16,
  kStepCreate = 17,
  kStepWrite = 18,
  kStepReplace = 19,
  kStepChanged = 20,  // The directory is not the one that the list began with.
};

struct FrameHeader {
  uint32_t kind;
  // kFrameFailed.
  uint32_t step;
  int32_t error;
  // kFrameEnd of a list: there is more, from `offset` on, in directory `inode`.
  uint32_t more;
  // kFrameData: of the first byte. kFrameCommit: bytes in all.
  uint64_t offset;
  uint64_t inode;
};

// Followed by its name and link target, and zeros up to a multiple of 8.
struct JoinerEntry {
  // st_mode, with the kind in it.
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
  uint32_t modify_nanos;
  int64_t modify_seconds;
  uint64_t size;
  uint64_t blocks;  // of 512 bytes
  uint32_t name_size;
  uint32_t target_size;
};

constexpr unsigned PaddedEntryBytes(const JoinerEntry& entry) {
  return (static_cast<unsigned>(sizeof(JoinerEntry)) + entry.name_size + entry.target_size + 7) &
         ~7U;
}

// The directories that are a task's own; in this order a joiner of an ended task has those of them
// that are there as descriptors, from kFirstDirectoryFd on.
constexpr const char* kOwnDirectoryNames[] = {"local", "alloc", "tmp", "secrets"};
constexpr int kOwnDirectories = 4;
constexpr int kRemainingDirectories = 3;  // /secrets ends with the task.

// What a joiner has.
constexpr int kJoinerSocketFd = 0;
constexpr int kFirstDirectoryFd = 3;

// argv[1] of a joiner.
constexpr char kJoinerOfLiveTask[] = "live";
constexpr char kJoinerOfEndedTask[] = "ended";

}  // namespace cloister::files

#endif  // CLOISTER_LIBS_FILES_JOINER_MESSAGE_H_
