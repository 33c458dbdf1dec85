"""The guest's kernel as fetch_kernel leaves it: a directory with vmlinuz, modules/, busybox."""

import os
import pwd
import re


def find():
    """The directory of the fetched kernel. Raises FileNotFoundError that says what to do."""
    # Not $HOME: Bazel gives each test another one.
    home = pwd.getpwuid(os.getuid()).pw_dir
    caches = [
        os.environ.get("CLOISTER_VM_CACHE"),
        "/var/cache/cloister/vm",
        os.path.join(home, ".cache/cloister/vm"),
    ]
    for cache in filter(None, caches):
        if os.path.isfile(os.path.join(cache, "current/busybox")):
            return os.path.realpath(os.path.join(cache, "current"))
    raise FileNotFoundError("there is no kernel for the guest yet: run tests/vm/fetch_kernel")


def modules_with_needs(kernel, names):
    """Paths of these modules and of all that they need, in an order to insert them in."""
    paths = {}
    for directory, _, files in os.walk(os.path.join(kernel, "modules")):
        for name in files:
            if name.endswith(".ko"):
                paths[_canonical(name[:-3])] = os.path.join(directory, name)
    ordered = []

    def insert(name):
        if name not in paths:
            raise LookupError("this kernel has no module %s (it may be built in)" % name)
        if paths[name] in ordered:
            return
        for needed in _needs(paths[name]):
            insert(needed)
        ordered.append(paths[name])

    for name in names:
        insert(_canonical(name))
    return ordered


def _canonical(name):
    return name.replace("-", "_")


def _needs(module_path):
    """The `depends=` entry of the module's .modinfo section."""
    with open(module_path, "rb") as module:
        match = re.search(rb"\0depends=([^\0]*)\0", module.read())
    return [_canonical(name) for name in match[1].decode().split(",") if name] if match else []
