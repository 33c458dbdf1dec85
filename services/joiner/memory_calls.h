// What the compiler may call in a program without a C library. For one file of it.
#ifndef CLOISTER_SERVICES_JOINER_MEMORY_CALLS_H_
#define CLOISTER_SERVICES_JOINER_MEMORY_CALLS_H_

#include <stddef.h>

extern "C" void* memset(void* to, int byte, size_t size) {
  void* at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
  return to;
}
extern "C" void* memcpy(void* to, const void* from, size_t size) {
  void* at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
  return to;
}

#endif  // CLOISTER_SERVICES_JOINER_MEMORY_CALLS_H_
