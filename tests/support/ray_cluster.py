"""A Ray cluster of three nodes on this machine, and a program that kills the actors of a candidate."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.command_line import run_bench

LOOPBACK = "127.0.0.1"
_ROOT = Path(__file__).parents[2]
# So that a dead node is found in seconds, and a busy machine is not taken for dead.
_HEALTH = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 4,
    "health_check_timeout_ms": 5_000,
}
_KILLER = """
import sys, time
import ray
address, candidate, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
ray.init(address=address, log_to_driver=False, configure_logging=False)
print("connected", flush=True)
killed = set()
while len(killed) < times:
    for actor in ray.util.list_named_actors(all_namespaces=True):
        if candidate in actor["name"] and actor["name"] not in killed:
            try:
                ray.kill(ray.get_actor(actor["name"], actor["namespace"]))
            except ValueError:
                continue
            killed.add(actor["name"])
    time.sleep(0.02)
"""


@dataclass(frozen=True)
class ThreeNodes:
    """A cluster of a head and two nodes of one processor each; `environment` is for commands that use it."""

    cluster: Any
    environment: dict[str, str]

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def kill_a_node_that_computes(self) -> bool:
        """Kill the raylet of a node with a model's worker, and all that runs there; False where none has one."""
        for node in self.cluster.worker_nodes:
            raylet = node.all_processes["raylet"][0].process
            if any(map(_computes, psutil.Process(raylet.pid).children(recursive=True))):
                raylet.kill()
                return True
        return False

    def run(self, folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Run `bench run` on the cluster, in a process of its own."""
        return run_bench("run", *arguments, *self.options, folder=folder, **self.environment)

    def start(self, folder: Path, *arguments: object) -> "subprocess.Popen[str]":
        """Start `bench run` on the cluster."""
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark", "run", *map(str, arguments), *self.options],
            cwd=folder,
            env={
                **os.environ,
                "BENCH_CACHE": str(folder / ".bench"),
                "PYTHONPATH": str(_ROOT),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def options(self) -> tuple[str, ...]:
        return "--engine", "ray", "--address", self.address

    @contextmanager
    def killing(self, candidate: str, *, times: int) -> Iterator[None]:
        """Kill each of a candidate's first actors, wherever it is."""
        killer = subprocess.Popen(
            [sys.executable, "-c", _KILLER, self.address, candidate, str(times)],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert killer.stdout is not None
            assert killer.stdout.readline() == "connected\n"
            yield
        finally:
            killer.kill()
            killer.communicate()


def _computes(process: psutil.Process) -> bool:
    """Whether a process is a fork server, which an actor starts for the worker of its model."""
    with suppress(psutil.Error):
        return any("forkserver" in part for part in process.cmdline())
    return False


@contextmanager
def three_nodes(folder: Path) -> Iterator[ThreeNodes]:
    """Start a cluster, with its files in a folder."""
    pytest.importorskip("ray")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        # Without the last, Ray looks for an address of this machine that others can reach.
        environment = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": "",
            "RAY_AUTH_MODE": "disabled",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            # Where the head writes its address, which other tests of Ray on this machine would overwrite.
            "RAY_TMPDIR": str(folder),
        }
        files = folder / "ray"
        files.mkdir()
        for name, value in {**environment, "PYTHONPATH": str(_ROOT)}.items():
            patch.setenv(name, value)
        from ray._private import ray_constants  # noqa: PLC0415 - it takes a second
        from ray.cluster_utils import Cluster  # noqa: PLC0415

        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)  # where another test has imported Ray before

        common = {
            "include_dashboard": False,
            "node_ip_address": LOOPBACK,
            "object_store_memory": 80_000_000,
        }
        cluster = Cluster(
            initialize_head=True,
            head_node_args={**common, "num_cpus": 0, "_system_config": _HEALTH, "temp_dir": str(files)},
        )
        try:
            for _ in range(2):
                cluster.add_node(wait=False, num_cpus=1, **common)
            cluster.wait_for_nodes()
            yield ThreeNodes(cluster, environment)
        finally:
            signal.signal(signal.SIGTERM, before)  # Ray has replaced it
            cluster.shutdown()
