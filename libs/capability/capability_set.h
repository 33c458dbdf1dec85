// CapabilitySet: a set of Linux capabilities (capabilities(7)) as a value.
//
// Stands alone: needs nothing but the C++ library. Capability N is bit 1 << N, as in
// /proc/PID/status and capget(2), so bits() of a set and the kernel's masks are the same number.
// Names: see names.h.
#ifndef CLOISTER_LIBS_CAPABILITY_CAPABILITY_SET_H_
#define CLOISTER_LIBS_CAPABILITY_CAPABILITY_SET_H_

#include <cstdint>
#include <initializer_list>

namespace cloister::capability {

// Highest capability that has a name here: CAP_CHECKPOINT_RESTORE, Linux 5.9. Numbers run from 0.
inline constexpr int kLastNamed = 40;

class CapabilitySet {
 public:
  constexpr CapabilitySet() = default;
  // Numbers outside 0 to 63 are ignored.
  constexpr CapabilitySet(std::initializer_list<int> numbers) {
    for (int number : numbers) bits_ |= Bit(number);
  }
  static constexpr CapabilitySet FromBits(uint64_t bits) {
    CapabilitySet set;
    set.bits_ = bits;
    return set;
  }
  // Capabilities 0 to `last`, which /proc/sys/kernel/cap_last_cap gives.
  static constexpr CapabilitySet UpTo(int last) {
    if (last < 0) return CapabilitySet();
    return FromBits(last >= 63 ? ~uint64_t{0} : (uint64_t{1} << (last + 1)) - 1);
  }
  static constexpr CapabilitySet AllNamed() { return UpTo(kLastNamed); }

  constexpr uint64_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool Contains(int number) const { return (bits_ & Bit(number)) != 0; }
  constexpr bool ContainsAll(CapabilitySet other) const { return (other.bits_ & ~bits_) == 0; }

  // Union, intersection, difference.
  friend constexpr CapabilitySet operator|(CapabilitySet a, CapabilitySet b) {
    return FromBits(a.bits_ | b.bits_);
  }
  friend constexpr CapabilitySet operator&(CapabilitySet a, CapabilitySet b) {
    return FromBits(a.bits_ & b.bits_);
  }
  friend constexpr CapabilitySet operator-(CapabilitySet a, CapabilitySet b) {
    return FromBits(a.bits_ & ~b.bits_);
  }
  friend constexpr bool operator==(CapabilitySet a, CapabilitySet b) { return a.bits_ == b.bits_; }
  friend constexpr bool operator!=(CapabilitySet a, CapabilitySet b) { return a.bits_ != b.bits_; }

 private:
  static constexpr uint64_t Bit(int number) {
    return number >= 0 && number < 64 ? uint64_t{1} << number : 0;
  }

  uint64_t bits_ = 0;
};

}  // namespace cloister::capability

#endif  // CLOISTER_LIBS_CAPABILITY_CAPABILITY_SET_H_
