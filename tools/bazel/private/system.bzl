"""Libraries of the system as Bazel targets: names and link lines, no headers to list."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def system_library(name, libs = [], deps = [], linkopts = [], tsan = None, visibility = None):
    """One library of the system, for dynamic and for fully static programs.

    Args:
      name: of the target.
      libs: link names in any order. They form one group, so that static archives which use each
        other resolve; as-needed keeps a shared library out of a program that does not use it.
      deps: other system_library targets this one's archives use; they come after it on the line.
      linkopts: after the libraries.
      tsan: what tells ThreadSanitizer of the locks in this library; linked under --config=tsan.
      visibility: where not everybody in this repository may use it.
    """
    group = []
    if libs:
        group = ["-Wl,--as-needed", "-Wl,--start-group"] + ["-l" + lib for lib in libs] + ["-Wl,--end-group"]
    cc_library(
        name = name,
        linkopts = group + linkopts,
        visibility = visibility,
        deps = deps + (select({
            "//tools/bazel:tsan": [tsan],
            "//conditions:default": [],
        }) if tsan else []),
    )

def abseil(names):
    """One label `absl_<name>` per part of Abseil that is used here; all link the same group."""
    for name in names:
        system_library(name = "absl_" + name, deps = [":absl_archives"])
