// write_bytes N [stderr]: writes exactly N bytes that tell their own place: lines of 16 bytes, each
// the line's number in 15 digits and a newline; the last one may be cut. So a test sees at once
// what was lost, doubled or out of order.
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

constexpr unsigned long long kLine = 16;
constexpr unsigned long long kLinesAtOnce = 1024;

void WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0) err(111, "write");
    bytes += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) errx(111, "usage: write_bytes N [stderr]");
  unsigned long long left = strtoull(argv[1], nullptr, 10);
  const int fd = argc > 2 && strcmp(argv[2], "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;
  unsigned long long line = 0;
  static char buffer[kLine * kLinesAtOnce + 1];
  while (left > 0) {
    for (unsigned long long i = 0; i < kLinesAtOnce; ++i) {
      snprintf(buffer + i * kLine, kLine + 1, "%015llu\n", line++ % 1'000'000'000'000'000ULL);
    }
    const unsigned long long size = left < kLine * kLinesAtOnce ? left : kLine * kLinesAtOnce;
    WriteAll(fd, buffer, size);
    left -= size;
  }
  return 0;
}
