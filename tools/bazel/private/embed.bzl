"""A built file as a constant in a program."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def embed_data(name, src, symbol, visibility = None, **kwargs):
    """Turns one file into a cc_library.

    `#include "<package>/<name>.h"` declares, in namespace cloister,

        extern const unsigned char <symbol>[];
        extern const size_t <symbol>Size;

    Args:
      name: of the library, and of its header.
      src: the file, built or checked in.
      symbol: a C identifier, unique in a program.
      visibility: of the library.
      **kwargs: testonly, tags.
    """
    header = name + ".h"
    native.genrule(
        name = name + "_header",
        outs = [header],
        cmd = """cat > $@ <<'END'
#pragma once
#include <cstddef>
namespace cloister {
extern "C" {
extern const unsigned char %s[];
extern const size_t %sSize;
}
}  // namespace cloister
END""" % (symbol, symbol),
        visibility = ["//visibility:private"],
        **kwargs
    )

    # The assembler takes the file as it is; as an array in C++ a few MiB would take minutes.
    native.genrule(
        name = name + "_object",
        srcs = [src],
        outs = [name + ".o"],
        cmd = """$(CC) -c -x assembler -o $@ - <<END
.section .rodata.{symbol}, "a", @progbits
.globl {symbol}
.type {symbol}, @object
.balign 64
{symbol}: .incbin "$(location {src})"
.set {symbol}_end, .
.size {symbol}, {symbol}_end - {symbol}
.globl {symbol}Size
.type {symbol}Size, @object
.balign 8
{symbol}Size: .quad {symbol}_end - {symbol}
.size {symbol}Size, 8
.section .note.GNU-stack, "", @progbits
END""".format(symbol = symbol, src = src),
        toolchains = ["@bazel_tools//tools/cpp:current_cc_toolchain"],
        visibility = ["//visibility:private"],
        **kwargs
    )
    cc_library(
        name = name,
        srcs = [name + ".o"],
        hdrs = [header],
        linkstatic = True,
        visibility = visibility,
        **kwargs
    )
