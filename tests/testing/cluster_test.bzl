"""Tests against a real cluster: the frontend, executors and launchers of this repository as processes.

In another workspace, with this repository as @cloister:

    load("@cloister//tests/testing:cluster_test.bzl", "cloister_cluster_test")

    cloister_cluster_test(
        name = "my_scheduler_test",
        srcs = ["my_scheduler_test.cc"],
        nodes = 2,
        deps = [":my_scheduler"],
    )
"""

load("@rules_cc//cc:defs.bzl", "cc_test")

# A Label is resolved where it is written: these name targets of this repository from any other.
_DEPS = [
    Label("//tests/testing:cluster_fixture"),
    Label("//tests/testing:leftovers"),
    Label("//tests/testing:local_cluster"),
    Label("//libs/base:status_matchers"),
    Label("//tests/testing:googletest"),
]

CLUSTER_PROGRAMS = {
    "CLOISTER_TEST_CLI": Label("//tools/cloister:cloister"),
    "CLOISTER_TEST_EXECUTOR": Label("//services/executor:cloister-executor"),
    "CLOISTER_TEST_FETCHER": Label("//services/fetcher:cloister-fetcher"),
    "CLOISTER_TEST_FRONTEND": Label("//services/frontend:cloister-frontend"),
    "CLOISTER_TEST_LAUNCHER": Label("//services/launcher:cloister-launcher"),
    # One of them names the directory that all are in.
    "CLOISTER_TEST_PAYLOAD": Label("//tests/payloads:exit_code"),
}

def cloister_cluster_test(
        name,
        srcs,
        deps = [],
        nodes = 1,
        data = [],
        env = {},
        tags = [],
        copts = ["-Wall", "-Wextra", "-Werror"],
        size = "medium",
        **kwargs):
    """A GoogleTest that starts clusters: LocalCluster (local_cluster.h) or ClusterTest (cluster_fixture.h).

    Runs as root outside the sandbox, on this machine; without root the tests of a ClusterTest skip themselves, and with
    --config=root they fail instead. Tasks see //tests/payloads under /payloads.

    Args:
      name: of the test.
      srcs: of the test.
      deps: beside GoogleTest, LocalCluster, ClusterTest and the leftover check.
      nodes: executors of a cluster for which the test says nothing else.
      data: as for cc_test.
      env: as for cc_test.
      tags: further tags.
      copts: of the test's own sources.
      size: as for cc_test. No sleeps, no timed assertions.
      **kwargs: as for cc_test.
    """
    variables = {"CLOISTER_TEST_NODES": str(nodes)}
    for variable, program in CLUSTER_PROGRAMS.items():
        variables[variable] = "$(rootpath %s)" % program
    variables.update(env)
    mine = [str(dep) for dep in deps]
    cc_test(
        name = name,
        srcs = srcs,
        copts = copts,
        data = data + CLUSTER_PROGRAMS.values() + [Label("//tests/payloads:all_payloads")],
        env = variables,
        size = size,
        tags = ["local", "root"] + tags,
        deps = deps + [dep for dep in _DEPS if str(dep) not in mine],
        **kwargs
    )
