// The owner of a file descriptor. A signature shows who owns: `OwnedFd` by value is a transfer,
// `int fd` is a loan for the length of the call.

#ifndef CLOISTER_LIBS_BASE_OWNED_FD_H_
#define CLOISTER_LIBS_BASE_OWNED_FD_H_

#include <utility>

namespace cloister {

// Closes its descriptor when it goes. Whoever makes one has opened it with O_CLOEXEC (or the like),
// so that it never reaches a program that we execute. Movable, not copyable, not thread-safe.
class OwnedFd {
 public:
  // Owns nothing.
  OwnedFd() = default;

  // Takes over `fd`; a negative one (the result of a failed open) is "nothing".
  explicit OwnedFd(int fd) : fd_(fd < 0 ? -1 : fd) {}

  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.Release());
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;

  ~OwnedFd() { reset(); }

  // The descriptor on loan, or -1.
  int get() const { return fd_; }

  bool valid() const { return fd_ >= 0; }

  // Gives the descriptor away: the caller closes it. -1 if there is none.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what is owned and takes over `fd`. Keeps errno, so that it can stand between a failed
  // call and its report. What close(2) says is not reported: where write-back errors matter, call
  // fsync(2) first.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_OWNED_FD_H_
