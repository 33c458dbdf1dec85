"""cloister_vm_test: a test that runs as root on another kernel, Debian 12's 6.1 with cgroup v2."""

def cloister_vm_test(
        name,
        program,
        args = [],
        data = [],
        env = {},
        host_files = [],
        modules = [],
        memory_mib = 1536,
        size = "medium",
        tags = [],
        **kwargs):
    """Boots the test guest (README.md here), runs the program in it, passes if that exits 0.

    In the guest the program finds what a Bazel test finds: TEST_SRCDIR with all runfiles as copies
    on a tmpfs, its working directory in them, TEST_TMPDIR, TEST_WORKSPACE and --test_filter. Its
    shared libraries come along. CLOISTER_REQUIRE_ROOT is set: it is root, so a test that needs root
    fails rather than skips. GoogleTest's cases are counted. Each run costs a boot of two to five
    seconds, and everything is some ten times slower than on the host: choose size by that.

    Args:
      name: of the test.
      program: an executable target: a cloister_cc_binary with testonly over gtest_main, a cc_test
        that is to pass in the guest as well, or a sh_binary (its shell is busybox).
      args: of the program; $(rootpath) of what is in data may be used.
      data: further runfiles, programs among them.
      env: further environment of the program.
      host_files: absolute paths of further programs or files of the host that the guest needs at
        the same place, e.g. ["/bin/bash"]. Their packages belong in tools/dev/packages.txt.
      modules: kernel modules to insert with what they need, e.g. ["overlay"].
      memory_mib: of the guest, at least 512. What it is given counts twice while it boots.
      size: as for sh_test: its timeout less 40 s is the time limit in the guest.
      tags: further tags.
      **kwargs: as for sh_test.
    """
    options = ["--bazel-test", "--memory=%d" % memory_mib]
    options += ["--file=%s:%s" % (path, path) for path in host_files]
    options += ["--module=" + module for module in modules]
    options += ["'--env=%s=%s'" % (variable, env[variable]) for variable in sorted(env)]
    native.sh_test(
        name = name,
        srcs = ["//tests/vm:guest"],
        args = options + ["--", "$(rootpath %s)" % program] + args,
        data = [program, "//tests/vm:guest_files"] + data,
        size = size,
        # Two processors, so that what races in it does, but hardly ever more than one at work:
        # beside another guest or a compiler it takes little longer.
        tags = ["cpu:1", "local", "vm"] + tags,
        **kwargs
    )
