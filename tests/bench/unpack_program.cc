// Unpacks one archive into a directory and ends: what artifact_bench runs beside bsdtar.
//
//   unpack_program ARCHIVE DIRECTORY
#include <fcntl.h>

#include <cstdio>

#include "libs/artifact/archive_format.h"
#include "libs/artifact/unpack.h"
#include "libs/base/owned_fd.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const cloister::OwnedFd in(open(argv[1], O_RDONLY | O_CLOEXEC));
  const cloister::OwnedFd out(open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto format = cloister::artifact::ArchiveFormatOfName(argv[1]);
  if (!format.has_value()) return 2;
  const auto report = cloister::artifact::Unpack(in.get(), *format, out.get(), {});
  if (report.ok()) return 0;
  std::fprintf(stderr, "unpack_program: %s\n", report.status().ToString().c_str());
  return 1;
}
