// CRC-32C (Castagnoli): tells a file that a crash left half-written from one that was written
// whole. Not against anybody who means harm.

#ifndef CLOISTER_LIBS_BASE_CRC32C_H_
#define CLOISTER_LIBS_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace cloister {

// As in iSCSI, RFC 3720 section 12.1: reflected polynomial 0x82f63b78, all ones before and after.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_CRC32C_H_
