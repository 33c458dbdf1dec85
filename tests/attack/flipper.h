// One side of a race: two names of a directory change places, again and again, until it is enough.
#ifndef CLOISTER_TESTS_ATTACK_FLIPPER_H_
#define CLOISTER_TESTS_ATTACK_FLIPPER_H_

#include <atomic>
#include <string>
#include <thread>

namespace cloister {

class Flipper {
 public:
  // Both exist.
  Flipper(std::string one, std::string other);
  // Ends it, with each at its own name again, unless an exchange failed.
  ~Flipper();
  Flipper(const Flipper&) = delete;
  Flipper& operator=(const Flipper&) = delete;

  long flips() const { return flips_.load(std::memory_order_relaxed); }
  // Of the last exchange that failed; 0: none did.
  int error() const { return error_.load(); }

 private:
  void Flip();

  const std::string one_;
  const std::string other_;
  std::atomic<long> flips_{0};
  std::atomic<int> error_{0};
  std::atomic<bool> enough_{false};
  std::thread thread_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ATTACK_FLIPPER_H_
