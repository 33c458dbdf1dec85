"""An initramfs: what goes into the guest, written as a cpio archive of the kernel's newc format.

Uncompressed on purpose: under software emulation, unpacking costs more than the bytes do.
Everything belongs to root and has modification time 0: the same input gives the same archive.
Source: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

import os
import shutil
import stat

_BLOCK = 512


class Initramfs:
    """Entries by their path in the guest, absolute and without symbolic links."""

    def __init__(self):
        # Path -> (mode, source): source is a host path, the bytes themselves, or None (directory).
        self._entries = {}

    def add_directory(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode, None)

    def add_link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def add_text(self, path, text, mode=0o644):
        self._add(path, stat.S_IFREG | mode, text.encode())

    def add_file(self, path, host_path):
        """The content of host_path (links followed); executable there is executable here."""
        host_path = os.path.realpath(host_path)
        if not os.path.isfile(host_path):
            raise FileNotFoundError("%s: no such file on the host" % host_path)
        executable = os.stat(host_path).st_mode & 0o111
        self._add(path, stat.S_IFREG | (0o755 if executable else 0o644), host_path)

    def add_tree(self, path, host_path):
        """All that is beneath host_path, links followed, as beneath path."""
        self.add_directory(path)
        for directory, _, names in os.walk(host_path, followlinks=True):
            inside = os.path.normpath(os.path.join(path, os.path.relpath(directory, host_path)))
            self.add_directory(inside)
            for name in names:
                outside = os.path.join(directory, name)
                if os.path.isfile(outside):
                    self.add_file(os.path.join(inside, name), outside)

    def replace_source(self, path, host_path):
        """Another file's content under the same path and mode."""
        self._entries[path] = (self._entries[path][0], host_path)

    def files(self):
        """Path -> host path of every entry that is a copy of a host file."""
        return {
            path: source
            for path, (_, source) in self._entries.items()
            if isinstance(source, str)
        }

    def __contains__(self, path):
        return path in self._entries

    def write(self, archive_path):
        with open(archive_path, "wb") as archive:
            # The kernel makes no directories by itself: in path order, parents come first.
            for inode, path in enumerate(sorted(self._entries), start=1):
                _write_entry(archive, inode, path.lstrip("/"), *self._entries[path])
            _write_entry(archive, 0, "TRAILER!!!", 0, b"")
            archive.write(bytes(-archive.tell() % _BLOCK))

    def _add(self, path, mode, source):
        if not path.startswith("/") or os.path.normpath(path) != path or path == "/":
            raise ValueError("%r: not an absolute, normal path in the guest" % path)
        parent = os.path.dirname(path)
        if parent != "/" and parent not in self._entries:
            self.add_directory(parent)
        self._entries[path] = (mode, source)


def _write_entry(archive, inode, name, mode, source):
    size = os.path.getsize(source) if isinstance(source, str) else len(source or b"")
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, len(name.encode()) + 1, 0)
    archive.write(b"070701" + b"".join(b"%08X" % field for field in fields))
    archive.write(name.encode() + b"\0")
    archive.write(bytes(-archive.tell() % 4))
    if isinstance(source, str):
        with open(source, "rb") as content:
            shutil.copyfileobj(content, archive, 1 << 20)
    else:
        archive.write(source or b"")
    archive.write(bytes(-archive.tell() % 4))
