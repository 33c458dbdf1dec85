#include "tests/attack/flipper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include <utility>

namespace cloister {

Flipper::Flipper(std::string one, std::string other)
    : one_(std::move(one)), other_(std::move(other)), thread_([this] { Flip(); }) {}

Flipper::~Flipper() {
  enough_ = true;
  thread_.join();
}

void Flipper::Flip() {
  // As often back as forth.
  while (!enough_ || flips() % 2 != 0) {
    if (renameat2(AT_FDCWD, one_.c_str(), AT_FDCWD, other_.c_str(), RENAME_EXCHANGE) != 0) {
      error_ = errno;
      return;
    }
    flips_.fetch_add(1, std::memory_order_relaxed);
    // Of few processors the one that is attacked needs one, too.
    sched_yield();
  }
}

}  // namespace cloister
