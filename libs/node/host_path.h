// HostPath: what was found at one path of the node. Pure data.
#ifndef CLOISTER_LIBS_NODE_HOST_PATH_H_
#define CLOISTER_LIBS_NODE_HOST_PATH_H_

#include <cstdint>
#include <string>

namespace cloister::node {

struct HostPath {
  enum class Kind {
    kMissing,  // Nothing, or a link that leads nowhere.
    kDirectory,
    kFile,   // A regular file.
    kOther,  // Device, socket, FIFO.
  };
  // As asked for: absolute and clean.
  std::string path;
  // What is there once every link on the way, the last one included, is followed.
  Kind kind = Kind::kMissing;
  // `path` itself is a symbolic link, as /bin is on a merged-usr system.
  bool is_link = false;
  // `path` with every link followed; empty if missing. Equal to `path` where no link is on the way.
  std::string resolved;
  // Which inode that is (st_dev and st_ino of stat(2)); 0 if missing.
  uint64_t device = 0;
  uint64_t inode = 0;

  bool exists() const { return kind != Kind::kMissing; }
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_HOST_PATH_H_
