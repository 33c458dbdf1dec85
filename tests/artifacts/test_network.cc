#include "tests/artifacts/test_network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace {

bool MountOver(const std::string& directory, const std::string& path, const std::string& text) {
  const std::string file = absl::StrCat(directory, path.substr(path.rfind('/')));
  std::ofstream(file) << text;
  return mount(file.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

bool MountNames(const std::string& hosts) {
  char directory[] = "/tmp/cloister-names-XXXXXX";
  const bool mounted =
      mkdtemp(directory) != nullptr && mount("tmpfs", directory, "tmpfs", 0, nullptr) == 0 &&
      MountOver(directory, "/etc/hosts", absl::StrCat("127.0.0.1 localhost\n", hosts)) &&
      MountOver(directory, "/etc/nsswitch.conf", "hosts: files dns\n") &&
      MountOver(directory, "/etc/resolv.conf",
                absl::StrCat("nameserver ", kNameServer, "\noptions attempts:1 timeout:5\n"));
  umount2(directory, MNT_DETACH);
  rmdir(directory);
  return mounted;
}

// netdevice(7).
bool BringUp(const char* name, const char* address) {
  const OwnedFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (address != nullptr) {
    sockaddr_in wanted = {};
    wanted.sin_family = AF_INET;
    inet_pton(AF_INET, address, &wanted.sin_addr);
    memcpy(&request.ifr_addr, &wanted, sizeof(wanted));
    if (ioctl(fd.get(), SIOCSIFADDR, &request) != 0) return false;
  }
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags |= IFF_UP | IFF_RUNNING;
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

bool EnterTestNetwork(const std::string& hosts) {
  if (geteuid() != 0) return true;
  return unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && MountNames(hosts) &&
         BringUp("lo", nullptr) && BringUp("lo:0", kMetadata) && BringUp("lo:1", kPublic);
}

}  // namespace cloister
