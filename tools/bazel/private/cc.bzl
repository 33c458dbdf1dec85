"""First-party C++ targets: native rules with this repository's warnings, tags and link modes."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

# First-party code only: generated code and other people's headers are not held to these.
_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Wvla",
    # GCC and clang each know some names that the other does not.
    "-Wno-unknown-warning-option",
    # Designated and aggregate initialisers leave fields at their defaults on purpose.
    "-Wno-missing-field-initializers",
    # GCC 12 finds uninitialised values inside std::optional and absl::StatusOr where there are none.
    "-Wno-maybe-uninitialized",
]

# Without a C library there is no sanitizer runtime either.
_NO_SANITIZER = ["-fno-sanitize=all"]

_FREESTANDING_COPTS = [
    "-O2",
    "-g0",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-asynchronous-unwind-tables",
    "-fno-threadsafe-statics",
    "-fno-pie",
    "-fcf-protection=none",
    "-ffunction-sections",
    "-fdata-sections",
    "-U_FORTIFY_SOURCE",
]

_FREESTANDING_LINKOPTS = [
    "-static",
    "-nostdlib",
    "-nostartfiles",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    "-Wl,-z,noexecstack",
    "-s",
]

def cloister_cc_library(name, copts = [], **kwargs):
    """cc_library with this repository's warnings as errors.

    Always an archive: Bazel would link a shared one without the system libraries that it uses, and
    as-needed would then drop those from the program as well.
    """
    kwargs.setdefault("linkstatic", True)
    cc_library(name = name, copts = _WARNINGS + copts, **kwargs)

def cloister_cc_binary(name, copts = [], **kwargs):
    """cc_binary with this repository's warnings as errors; system libraries are linked shared."""
    cc_binary(name = name, copts = _WARNINGS + copts, **kwargs)

def cloister_cc_static_binary(name, copts = [], linkopts = [], **kwargs):
    """A program without any shared library. Under a sanitizer it is an ordinary dynamic one.

    No name-service lookups in it: glibc loads those as shared libraries.
    """
    cc_binary(
        name = name,
        copts = _WARNINGS + copts,
        linkopts = linkopts + select({
            "//tools/bazel:sanitizer": [],
            "//conditions:default": ["-static"],
        }),
        linkstatic = True,
        **kwargs
    )

def cloister_cc_test(name, copts = [], deps = [], gtest_main = True, size = "small", **kwargs):
    """cc_test over GoogleTest and GoogleMock.

    Args:
      name: of the test.
      copts: after this repository's warnings.
      deps: the subject; GoogleTest and GoogleMock are added.
      gtest_main: False where the test has a main() of its own.
      size: small, unless said: no sleeps, no timed assertions.
      **kwargs: as for cc_test.
    """
    frames = ["//tools/bazel:gtest", "//tools/bazel:gmock"]
    if gtest_main:
        frames.append("//tools/bazel:gtest_main")
    missing = [frame for frame in frames if frame not in deps]
    cc_test(name = name, copts = _WARNINGS + copts, deps = deps + missing, size = size, **kwargs)

def cloister_root_test(name, tags = [], exclusive = False, size = "medium", **kwargs):
    """A cloister_cc_test that needs root: outside the sandbox, on this machine.

    Without root the test skips; with --config=root it fails instead (CLOISTER_REQUIRE_ROOT).

    Args:
      name: of the test.
      tags: further tags.
      exclusive: nothing else runs meanwhile (host-wide state: cgroup roots, all mounts).
      size: as for cc_test.
      **kwargs: as for cloister_cc_test.
    """
    needed = ["local", "root"] + (["exclusive"] if exclusive else [])
    cloister_cc_test(name = name, tags = needed + tags, size = size, **kwargs)

def cloister_cc_fuzz_test(name, srcs, corpus = [], deps = [], copts = [], **kwargs):
    """One fuzz target (LLVMFuzzerTestOneInput), two uses.

    In an ordinary build it is a test that replays the corpus. With --config=fuzz,
    `bazel run --config=fuzz //pkg:name -- corpus_dir` fuzzes.

    Args:
      name: of the test.
      srcs: one source with LLVMFuzzerTestOneInput.
      corpus: files to replay, often glob(["corpus/**"]).
      deps: the subject.
      copts: after this repository's warnings.
      **kwargs: as for cc_test.
    """
    cc_test(
        name = name,
        srcs = srcs,
        args = select({
            "//tools/bazel:libfuzzer": [],
            "//conditions:default": ["$(locations %s)" % f for f in corpus],
        }),
        copts = _WARNINGS + copts,
        data = corpus,
        linkopts = select({
            "//tools/bazel:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//tools/bazel:libfuzzer": [],
            "//conditions:default": ["//tools/bazel/fuzz:replay_main"],
        }),
        size = "small",
        **kwargs
    )

def freestanding_binary(name, srcs, copts = [], linkopts = [], deps = [], **kwargs):
    """A static program without C library: its own _start, raw system calls, a few KiB.

    For what is exec'd from a sealed memfd inside a task. Headers of deps may be used; nothing is
    linked that is not in srcs or deps.

    Args:
      name: of the program.
      srcs: C++ sources; one defines `extern "C" void _start()`.
      copts: after the freestanding flags.
      linkopts: after the freestanding flags.
      deps: header-only libraries, usually.
      **kwargs: as for cc_binary.
    """
    cc_binary(
        name = name,
        srcs = srcs,
        copts = _WARNINGS + _FREESTANDING_COPTS + _NO_SANITIZER + copts,
        linkopts = _FREESTANDING_LINKOPTS + _NO_SANITIZER + linkopts + select({
            "//tools/bazel:libfuzzer": ["-fno-sanitize-link-runtime"],
            "//conditions:default": [],
        }),
        linkstatic = True,
        deps = deps,
        **kwargs
    )
