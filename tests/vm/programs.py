"""What a program needs to run in the guest, its shared libraries, and how to make it smaller."""

import os
import subprocess

_STRIP_FROM_BYTES = 4 << 20


def is_elf(host_path):
    with open(host_path, "rb") as content:
        return content.read(4) == b"\x7fELF"


def shared_libraries(host_paths):
    """The paths of all libraries that the loader would map for these programs or libraries.

    The names are kept as the loader finds them (links not followed), in directories that are real:
    /lib/x is /usr/lib/x. Raises LookupError naming what cannot be found.
    """
    if not host_paths:
        return []
    # One ldd for all; it fails if any of them is static, which is fine.
    listing = subprocess.run(
        ["ldd"] + sorted(host_paths), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    ).stdout.decode()
    found = set()
    missing = set()
    for line in listing.splitlines():
        words = line.split()
        if not line.startswith("\t") or not words:
            continue  # "path:", the heading of one program
        if "not found" in line:
            missing.add(words[0])
        elif "=>" in words:
            found.add(words[2])
        elif words[0].startswith("/"):
            found.add(words[0])  # the loader itself
    if missing:
        raise LookupError("no such shared library on the host: %s" % ", ".join(sorted(missing)))
    return sorted({_real_directory(path) for path in found})


def stripped(host_path, scratch):
    """A copy without debug information in scratch, or host_path itself where that saves little."""
    if os.path.getsize(host_path) < _STRIP_FROM_BYTES:
        return host_path
    copy = os.path.join(scratch, "stripped%d" % len(os.listdir(scratch)))
    command = ["strip", "--strip-debug", "-o", copy, host_path]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return host_path
    return copy


def _real_directory(path):
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
