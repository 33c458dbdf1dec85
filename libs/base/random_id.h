// Identifiers that nobody can guess and that never meet.

#ifndef CLOISTER_LIBS_BASE_RANDOM_ID_H_
#define CLOISTER_LIBS_BASE_RANDOM_ID_H_

#include <string>

namespace cloister {

// 128 bits of the kernel's randomness (getrandom(2)) as 26 characters a-z, 2-7.
std::string RandomId();

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_RANDOM_ID_H_
