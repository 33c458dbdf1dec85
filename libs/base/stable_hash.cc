#include "libs/base/stable_hash.h"

namespace cloister {
namespace {

constexpr uint64_t kOffsetBasis = 0xcbf29ce484222325;
constexpr uint64_t kPrime = 0x100000001b3;

uint64_t AddByte(uint64_t hash, uint64_t byte) { return (hash ^ byte) * kPrime; }

// FNV-1a alone leaves similar inputs with similar high bits, and placement compares those first.
uint64_t Mix(uint64_t hash) {
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

uint64_t StableHash64(std::initializer_list<absl::string_view> parts) {
  uint64_t hash = kOffsetBasis;
  for (absl::string_view part : parts) {
    for (int shift = 0; shift < 64; shift += 8) hash = AddByte(hash, (part.size() >> shift) & 0xff);
    for (char c : part) hash = AddByte(hash, static_cast<unsigned char>(c));
  }
  return Mix(hash);
}

}  // namespace cloister
