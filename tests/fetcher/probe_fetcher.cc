// A fetcher whose cells do not fetch but try the walls: what cloister-fetcher is but for its work.
// The source's URL names the probe, "https://probe.invalid/NAME"; headers are its arguments. What
// it finds is a line each, "NAME=VALUE", in the output's file `found`.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/base/owned_fd.h"
#include "libs/os/spawn.h"
#include "services/fetcher/broker.h"
#include "services/fetcher/broker_connector.h"
#include "services/fetcher/cell_events.h"
#include "services/fetcher/confine.h"
#include "services/fetcher/run_fetcher.h"

extern char** environ;

namespace cloister::fetcher {
namespace {

using Arguments = std::map<std::string, std::string>;

std::string Outcome(long result) {
  return result < 0 ? strerrorname_np(errno) : std::string("done");
}

bool WriteFound(const std::string& text) {
  const int file = openat(kOutputFd, "found", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

// Of the kernel, not of the C library: what hostile code would do.
std::string TryCalls() {
  std::string found;
  const auto add = [&found](const char* name, long result) {
    absl::StrAppend(&found, name, "=", Outcome(result), "\n");
  };
  add("socket", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
  add("unix_socket", syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
  add("packet_socket", syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0));
  add("connect", syscall(SYS_connect, kPeerFd, nullptr, 0));
  add("execve", syscall(SYS_execve, "/bin/true", nullptr, nullptr));
  add("execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", nullptr, nullptr, 0));
  add("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  add("vfork", syscall(SYS_vfork));
  add("clone3", syscall(SYS_clone3, nullptr, 0));
  add("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
  add("setns", syscall(SYS_setns, kExecutorFd, 0));
  add("mount", syscall(SYS_mount, "none", "/out", "tmpfs", 0, nullptr));
  add("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  add("chroot", syscall(SYS_chroot, "/out"));
  add("pivot_root", syscall(SYS_pivot_root, ".", "."));
  add("ptrace", syscall(SYS_ptrace, PTRACE_TRACEME, 0, nullptr, nullptr));
  add("process_vm_readv", syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0));
  add("bpf", syscall(SYS_bpf, 0, nullptr, 0));
  add("keyctl", syscall(SYS_keyctl, 0, 0));
  add("io_uring", syscall(SYS_io_uring_setup, 1, nullptr));
  add("userfaultfd", syscall(SYS_userfaultfd, 0));
  add("perf", syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0));
  add("setuid", syscall(SYS_setuid, 0));
  add("kill", syscall(SYS_kill, -1, 0));
  add("mknod", syscall(SYS_mknodat, kOutputFd, "fifo", S_IFIFO | 0600, 0));
  add("setxattr", syscall(SYS_setxattr, "/out", "user.a", "b", 1, 0));
  add("handle", syscall(SYS_open_by_handle_at, kOutputFd, nullptr, 0));
  add("memfd", syscall(SYS_memfd_create, "m", 0));
  add("exec_memory",
      mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
          ? -1
          : 0);
  return found;
}

std::string TryFiles(const Arguments& arguments) {
  std::string found;
  const auto add = [&found](const std::string& name, long result) {
    absl::StrAppend(&found, name, "=", Outcome(result), "\n");
  };
  for (const char* path : {"/etc/passwd", "/proc/self/status", "/dev/null", "/sys", "/root"}) {
    add(path, open(path, O_RDONLY | O_CLOEXEC));
  }
  const auto canary = arguments.find("canary");
  if (canary != arguments.end()) {
    add("canary", open(canary->second.c_str(), O_RDONLY | O_CLOEXEC));
    add("canary_above", openat(kOutputFd, "../canary", O_RDONLY | O_CLOEXEC));
    add("canary_far_above",
        openat(kOutputFd, absl::StrCat("../../../../../../../..", canary->second).c_str(),
               O_RDONLY | O_CLOEXEC));
  }
  add("write_root", open("/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  add("mkdir_root", mkdir("/directory", 0700));
  add("chmod_root", chmod("/", 0777));
  add("setuid_file", open("/out/suid", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  add("device_path", link("/out/suid", "/out/second"));
  return found;
}

std::string TryIdentity() {
  std::string found = absl::StrCat("uid=", getuid(), "\ngid=", getgid(), "\npid=", getpid(),
                                   "\nppid=", getppid(), "\n");
  int variables = 0;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    ++variables;
  }
  int descriptors = 0;
  for (int fd = 0; fd < 1024; ++fd) descriptors += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  absl::StrAppend(&found, "environment=", variables, "\ndescriptors=", descriptors, "\n");
  struct stat output;
  struct stat above;
  const bool looked = fstat(kOutputFd, &output) == 0 && stat("/", &above) == 0;
  absl::StrAppend(&found, "output_owner=", looked ? output.st_uid : 0, "\n");
  return found;
}

int Try(const Arguments& arguments) {
  std::string found = TryIdentity();  // First: the others leave descriptors.
  found += TryFiles(arguments);
  found += TryCalls();
  if (!WriteFound(found)) return TellDone(absl::InternalError("cannot write"));
  return TellDone(artifact::FetchReport());
}

// Runs a program of Python's, which tries what hostile code in hg would.
int RunProgramOf(Arguments arguments) {
  const OwnedFd found(openat(kOutputFd, "found", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  SpawnOptions options;
  options.argv = {"/usr/bin/python3", "-c", arguments["code"]};
  options.fds = {{0, 0}, {found.get(), 1}, {found.get(), 2}};
  const absl::StatusOr<SpawnedProcess> process = Spawn(options);
  if (!process.ok()) return TellDone(process.status());
  const absl::StatusOr<int> status = process->pidfd.WaitAndReap();
  if (!status.ok()) return TellDone(status.status());
  if (*status != 0) return TellDone(absl::InternalError(absl::StrCat("status ", *status)));
  return TellDone(artifact::FetchReport());
}

// Asks for `count` connections to host:port and reads a line of each.
int Connect(Arguments arguments) {
  int port = 0;
  int count = 1;
  if (!absl::SimpleAtoi(arguments["port"], &port) ||
      (arguments.count("count") > 0 && !absl::SimpleAtoi(arguments["count"], &count))) {
    return 2;
  }
  BrokerConnector connector(kPeerFd);
  const std::string scheme = arguments.count("scheme") > 0 ? arguments["scheme"] : "http";
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<OwnedFd> socket =
        connector.Connect(scheme, arguments["host"], static_cast<uint16_t>(port));
    if (!socket.ok()) return TellDone(socket.status());
    char line[64];
    const ssize_t size = read(socket->get(), line, sizeof(line));
    if (size <= 0 || !WriteFound(std::string(line, static_cast<size_t>(size)))) return 3;
  }
  return TellDone(artifact::FetchReport());
}

int TakeMemory() {
  constexpr size_t kPiece = 1 << 20;
  for (;;) {
    void* piece = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return TellDone(absl::ResourceExhaustedError("address space"));
    std::memset(piece, 1, kPiece);
  }
}

int FillFile() {
  const int file = openat(kOutputFd, "big", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const std::string piece(1 << 20, 'x');
  for (;;) {
    if (write(file, piece.data(), piece.size()) < 0) {
      return TellDone(absl::ResourceExhaustedError(strerrorname_np(errno)));
    }
  }
}

// Without end, as files of `size` bytes, each within every limit; with `hidden`, of no name: what
// nobody finds who looks for it.
int FillFiles(Arguments arguments) {
  int size = 0;
  if (!absl::SimpleAtoi(arguments["size"], &size)) return 2;
  const std::string content(static_cast<size_t>(size), 'x');
  const bool hidden = arguments.count("hidden") > 0;
  for (int i = 0;; ++i) {
    const std::string name = absl::StrCat("f", i);
    const int file = openat(kOutputFd, name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 || (hidden && unlinkat(kOutputFd, name.c_str(), 0) != 0) ||
        write(file, content.data(), content.size()) < 0) {
      return TellDone(absl::InternalError(strerrorname_np(errno)));
    }
    // Mapped, it is there without a descriptor, too.
    if (hidden && mmap(nullptr, content.size(), PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED) {
      return TellDone(absl::InternalError(strerrorname_np(errno)));
    }
    close(file);
  }
}

[[noreturn]] void WaitForEver() {
  // Once the broker answers it is confined, too.
  BrokerConnector(kPeerFd).Connect("none", "nowhere", 1).status().IgnoreError();
  TellingObserver().OnPhase(artifact::FetchObserver::Phase::kDownload);
  for (;;) pause();
}

// Says that it is done, and is not.
int LieAndStay() {
  TellDone(artifact::FetchReport());
  WaitForEver();
}

int Talk() {
  for (;;) TellingObserver().OnProgress(1, 2);
}

int RunProbe() {
  absl::StatusOr<artifact::ReceivedRequest> received = artifact::ReceiveRequest(kExecutorFd);
  if (!received.ok()) return TellDone(received.status());
  const Arguments arguments(received->request.headers.begin(), received->request.headers.end());
  const absl::string_view probe =
      absl::StripPrefix(received->request.source.url, "https://probe.invalid/");
  if (probe == "try") return Try(arguments);
  if (probe == "program") return RunProgramOf(arguments);
  if (probe == "connect") return Connect(arguments);
  if (probe == "nothing") return TellDone(artifact::FetchReport());
  if (probe == "fail") return TellDone(absl::NotFoundError("no such thing"));
  if (probe == "wait") WaitForEver();
  if (probe == "lie") return LieAndStay();
  if (probe == "talk") return Talk();
  if (probe == "memory") return TakeMemory();
  if (probe == "fill") return FillFile();
  if (probe == "fill_files") return FillFiles(arguments);
  if (probe == "exit") return 42;
  if (probe == "segv") {
    int* volatile nowhere = nullptr;
    *nowhere = 1;
  }
  return TellDone(absl::InvalidArgumentError("no such probe"));
}

}  // namespace
}  // namespace cloister::fetcher

int main(int argc, char** argv) {
  return cloister::fetcher::RunFetcher(
      argc, argv, {[] {}, {&cloister::fetcher::RunProbe, &cloister::fetcher::RunBroker}});
}
