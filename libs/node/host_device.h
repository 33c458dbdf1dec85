// HostDevice: what was found at the path of a device. Pure data.
#ifndef CLOISTER_LIBS_NODE_HOST_DEVICE_H_
#define CLOISTER_LIBS_NODE_HOST_DEVICE_H_

#include <cstdint>
#include <string>

namespace cloister::node {

// A device of the node. `path` may be a link to it.
struct HostDevice {
  std::string path;
  bool exists = false;
  // What the links lead to.
  std::string resolved;
  bool block = false;
  uint32_t major = 0;
  uint32_t minor = 0;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_HOST_DEVICE_H_
