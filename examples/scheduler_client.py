#!/usr/bin/python3
"""A small scheduler in Python, on the public API alone: runs commands as tasks, a few at a time.

    apt-get install python3-grpcio protobuf-compiler-grpc
    examples/scheduler_client.py unix:/tmp/cloister/run/frontend.sock 20

The same as scheduler_client.cc; what a scheduler has to do is said there.
"""

import importlib
import pathlib
import subprocess
import sys
import tempfile
import uuid

import grpc

PROTO = pathlib.Path(__file__).resolve().parent.parent / "proto"
AT_ONCE = 4
TIMEOUT_S = 30


def load_api(directory):
    """Generates the API's Python modules into `directory` and imports them."""
    files = [str(path) for path in (PROTO / "cloister" / "v1").glob("*.proto")]
    subprocess.run(
        ["protoc", f"-I{PROTO}", f"--python_out={directory}", f"--grpc_out={directory}",
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", *files],
        check=True)
    sys.path.insert(0, directory)
    names = ["task_service_pb2", "task_service_pb2_grpc", "node_service_pb2", "node_service_pb2_grpc"]
    return [importlib.import_module(f"cloister.v1.{name}") for name in names]


def start(tasks, api, number, run):
    """Starts task `number`. The same request again is the same task, so a lost answer is asked for again."""
    request = api.StartTaskRequest(request_id=f"scheduler-client-{run}-{number}")
    request.config.name = f"example-{number}"
    request.config.config.command = "/bin/sh"
    request.config.config.args.extend(["-c", "echo task $NUMBER as $(id -un) && exit $((NUMBER % 3))"])
    request.config.env["NUMBER"] = str(number)
    request.config.resources.memory = 32
    for attempt in range(5):
        try:
            return tasks.StartTask(request, timeout=TIMEOUT_S, wait_for_ready=True).task.id
        except grpc.RpcError as error:
            lost = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            if not lost or attempt == 4:
                raise
    raise AssertionError("not reached")


def finish(tasks, api, task):
    """Shows how a task ended and what it wrote, and forgets it."""
    request = api.ReadLogsRequest(task_id=task.id, stream=api.LOG_STREAM_STDOUT)
    output = b"".join(chunk.data for chunk in tasks.ReadLogs(request, timeout=TIMEOUT_S))
    print(f"{task.config.name} on {task.node_id}: exit code {task.exit_result.exit_code}, {output.decode().strip()}")
    tasks.DestroyTask(api.DestroyTaskRequest(request_id=f"destroy-{task.id}", task_id=task.id), timeout=TIMEOUT_S)


def main(address, wanted):
    with tempfile.TemporaryDirectory() as directory, grpc.insecure_channel(address) as channel:
        api, api_grpc, nodes_api, nodes_grpc = load_api(directory)
        for node in nodes_grpc.NodeServiceStub(channel).ListNodes(nodes_api.ListNodesRequest(), timeout=TIMEOUT_S).nodes:
            print(f"{node.id}: {node.capacity.cpus} cpus, {node.capacity.memory_mib} MiB, limits by cgroup {node.cgroups}")
        tasks = api_grpc.TaskServiceStub(channel)
        run = uuid.uuid4()
        running, started, finished = set(), 0, 0
        # The watch comes first: what is started after its SYNCED cannot end unseen.
        for event in tasks.WatchTasks(api.WatchTasksRequest()):
            if event.type == api.WatchTasksResponse.TYPE_ENDED and event.task.id in running:
                running.remove(event.task.id)
                finish(tasks, api, event.task)
                finished += 1
            elif event.type != api.WatchTasksResponse.TYPE_SYNCED:
                continue
            while len(running) < AT_ONCE and started < wanted:
                running.add(start(tasks, api, started, run))
                started += 1
            if finished == wanted:
                return


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 10)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
