"""A Ray cluster: connecting to it, the nodes that it has, and what they must have.

Ray is imported here and in `ray_runs` only, when a run asks for it. It gets no telemetry, no dashboard and no place on
the user's console.
"""

import importlib.util
import logging
import os
import pickle
import re
import secrets
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.engines.node import Node, NodeTerms, Unusable, describe_node, python_version
from benchmark.errors import RequestError, UnavailableError
from benchmark.progress import Progress
from benchmark.results.environment import Environment, available_cores
from benchmark.results.runs import NodeRecord
from benchmark.settings import Settings, expanded
from benchmark.temporary import private_folder
from benchmark.workers.environment import added_variables

LOCAL, RAY = "local", "ray"
_INSTALL = '--engine ray needs the extra `ray`: `pip install "ser-bench[ray]"`.'
_CLIENT = re.compile(r"ray://[^\s/:]+:\d{1,5}")
_SERVER = re.compile(r"[^\s/:]+:\d{1,5}")
_LOOPBACK = ("localhost", "127.0.0.1")
_TOKENS = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
_KEPT_BY_RAY = "~/.ray/auth_token"
_CONNECT_S = 10
_CHECK_S = 60.0
_CLOSE_S = 5.0
# Ray's sockets lie 64 bytes below the folder, and the path of a socket has 107 at most.
_LONGEST_FOLDER = 43
_STORE_BYTES = 200_000_000


@dataclass(frozen=True)
class ClusterNode:
    """A node that is alive, with what it has in all."""

    id: str
    host: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Share:
    """What one actor requests of a node."""

    cpus: int
    gpus: float = 0.0

    def fit(self, node: ClusterNode) -> int:
        """How many actors a node can have at once."""
        by_cpu = int(node.cpus // self.cpus)
        return by_cpu if not self.gpus else min(by_cpu, int((node.gpus + 1e-9) // self.gpus))


@dataclass(eq=False)
class Cluster:
    """A connection to a cluster.

    Attributes:
        ray: The library.
        used: The nodes that have computed, by their ids.
        timed_on: The node that latency was measured on.
    """

    ray: Any
    settings: Settings
    progress: Progress
    used: dict[str, Node] = field(default_factory=dict)
    timed_on: Node | None = None

    def nodes(self) -> tuple[ClusterNode, ...]:
        """The nodes that are alive and have processors, in an order that does not change."""
        alive = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        described = (
            ClusterNode(
                id=node["NodeID"],
                host=node["NodeManagerHostname"],
                cpus=node["Resources"]["CPU"],
                gpus=node["Resources"].get("GPU", 0.0),
            )
            for node in alive
        )
        return tuple(sorted(described, key=lambda node: (node.host, node.id)))

    def devices(self, names: Sequence[str]) -> tuple[str, ...]:
        """Check the devices that a user names; by default the CPU and, where a node has one, the GPU.

        Raises:
            RequestError: A device is unknown, or no node has it.
        """
        if unknown := [device for device in names if device not in ("cpu", "cuda")]:
            raise RequestError(f"Unknown device {unknown[0]!r}: choose among cpu, cuda.")
        has_gpu = any(node.gpus >= 1 for node in self.nodes())
        if "cuda" in names and not has_gpu:
            raise RequestError("No node of the cluster has a GPU: leave out `--device cuda`, or add a node that has.")
        return tuple(dict.fromkeys(names)) or (("cpu", "cuda") if has_gpu else ("cpu",))

    def share(self, device: str, *, alone: bool = False) -> Share:
        """What an actor requests: of the processors of the smallest node, the part of one of `--jobs`, or all."""
        jobs = 1 if alone else self.settings.jobs
        smallest = min((int(node.cpus) for node in self.nodes()), default=1)
        return Share(cpus=max(1, smallest // jobs), gpus=0.0 if device == "cpu" else 1 / jobs)

    def records(self) -> tuple[NodeRecord, ...]:
        """The nodes that have computed or timed, for the record of the run."""
        nodes = {**self.used, **({} if self.timed_on is None else {self.timed_on.id: self.timed_on})}
        return tuple(
            NodeRecord(name=node.name, environment=node.environment, timed=node == self.timed_on)
            for node in sorted(nodes.values(), key=lambda node: (node.name, node.id))
        )

    def check(self, terms: NodeTerms) -> None:
        """Refuse a cluster with a node that cannot take part.

        Raises:
            UnavailableError: There is none, or one of them cannot; the message says what to do.
        """
        nodes = self.nodes()
        if not nodes:
            raise UnavailableError("No node of the cluster has a processor: start one with `ray start`.")
        refs = {node.host: self.on(node.id, describe_node, cpus=0).remote(terms) for node in nodes}
        done, _ = self.ray.wait(list(refs.values()), num_returns=len(refs), timeout=_CHECK_S)
        for host, ref in refs.items():
            if ref not in done:
                raise UnavailableError(f"The node {host} did not answer within {_CHECK_S:.0f} s: remove or repair it.")
            try:
                answer = self.ray.get(ref)
            except self.ray.exceptions.RayError as error:
                reason = summary(error)
                raise UnavailableError(
                    f"The node {host} cannot run bench ({reason}): install there what is installed here."
                ) from error
            if isinstance(answer, Unusable):
                raise UnavailableError(answer.reason)

    def share_with_nodes(self, value: object) -> Any:
        """Send something to the nodes once, for all tasks that get what this returns.

        Raises:
            RequestError: It holds audio of a kind that only this process knows.
        """
        try:
            return self.ray.put(value)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise RequestError(
                f"The audio of some clips cannot be sent to nodes ({summary(error)}): leave out --engine ray."
            ) from error

    def end(self, actor: Any) -> None:
        """End an actor, and before that what it has started, unless it has gone."""
        with suppress(self.ray.exceptions.RayError):
            self.ray.wait([actor.close.remote()], timeout=_CLOSE_S)
            # Unlike `kill` it lets the process remove its temporary folders.
            self.ray.wait([actor.__ray_terminate__.remote()], timeout=_CLOSE_S)
        with suppress(self.ray.exceptions.RayError):
            self.ray.kill(actor)

    def on(self, node: str, task: Callable[..., Any], *, cpus: float, gpus: float = 0.0) -> Any:
        """A task or actor that is pinned to a node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        options = {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        }
        return self.ray.remote(task).options(**options)


def require_ray() -> None:
    """Refuse a run on Ray without the extra.

    Raises:
        RequestError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("grpc") is None:
        raise RequestError(_INSTALL)


def check_choice(engine: str, address: str | None) -> None:
    """Check an engine and an address before anything is read.

    Raises:
        RequestError: Ray is not installed, or the address is none.
    """
    if engine == LOCAL:
        if address is not None:
            raise RequestError("--address names a Ray cluster: add --engine ray, or leave it out.")
        return
    if address is not None and address != "auto" and not (_CLIENT.fullmatch(address) or _SERVER.fullmatch(address)):
        raise RequestError(
            f"--address {address!r} is no address of a Ray cluster: write auto, ray://HOST:10001 or HOST:6379."
        )
    require_ray()


@contextmanager
def open_cluster(engine: str, address: str | None, settings: Settings, progress: Progress) -> Iterator[Cluster | None]:
    """Connect to the cluster of `--engine ray`; None for the engine `local`.

    Raises:
        UnavailableError: It cannot be reached, or has other versions of Ray and Python.
    """
    if engine == LOCAL:
        yield None
        return
    with _authentication(address), _connected(address, settings, progress) as cluster:
        yield cluster


@contextmanager
def _connected(address: str | None, settings: Settings, progress: Progress) -> Iterator[Cluster]:
    """Connect to a cluster, or start one of this machine alone where no address is given.

    Raises:
        UnavailableError: It cannot be reached, or has other versions of Ray and Python.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # else it warns that a later version will do so
    import ray  # noqa: PLC0415 - it takes a second

    if address is not None:
        _require_server(_found() if address == "auto" else address, own_address=ray.util.get_node_ip_address)
    folder = private_folder(_short(settings.temporary))
    before = signal.getsignal(signal.SIGTERM)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    own: Mapping[str, Any] = {"address": address}
    if address is None:
        own = {
            "address": LOCAL,
            "num_cpus": available_cores(),
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": str(folder.path),
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(**own, log_to_driver=False, configure_logging=False)
        signal.signal(signal.SIGTERM, before)  # Ray has replaced it
        yield Cluster(ray, settings, progress)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        if ray.is_initialized():
            raise
        where = "on this machine" if address in (None, "auto") else f"at {address}"
        raise UnavailableError(f"No Ray cluster answers {where}: {summary(error)}") from error
    finally:
        with suppress(Exception):  # a cluster that has gone cannot be left
            ray.shutdown()
        folder.remove()


@contextmanager
def marked(settings: Settings, files: Sequence[str], environment: Environment) -> Iterator[NodeTerms]:
    """Write a file into the store by which nodes recognise it."""
    folder = private_folder(settings.temporary.absolute())
    try:
        mark, content = folder.path / "mark", secrets.token_hex(16)
        mark.write_text(content, "utf-8")
        yield NodeTerms(
            store=settings.cache.absolute(),
            mark=mark,
            content=content,
            versions=environment.versions,
            python=python_version(),
            files=tuple(files),
        )
    finally:
        folder.remove()


def summary(error: BaseException) -> str:
    """The first line of an error of Ray, which may quote a traceback."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[0] if lines else type(cause).__name__).removesuffix(".")


def _short(folder: Path) -> Path:
    """The folder of temporary files, or that of the system where a socket would have too long a path there."""
    name = "/bench-0000000-000000000000"
    return folder if len(str(folder.absolute()) + name) <= _LONGEST_FOLDER else Path(tempfile.gettempdir())


@contextmanager
def _authentication(address: str | None) -> Iterator[None]:
    """Let Ray's own cluster have a token of this process, and others that of the user, also through Ray's client.

    By itself Ray would write a token into the user's home, and send none through its client.
    """
    if "RAY_AUTH_MODE" in os.environ or "ray" in sys.modules:  # once imported, it has read that
        added = {}
    elif address is None:
        added = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    else:
        has_token = bool(_TOKENS & os.environ.keys()) or expanded(_KEPT_BY_RAY).is_file()
        added = {"RAY_AUTH_MODE": "token"} if has_token else {}
    with added_variables(added):
        yield


def _found() -> str:
    """The address that Ray finds for `auto`, in a variable or in a file that may be out of date."""
    from ray._private.services import canonicalize_bootstrap_address  # noqa: PLC0415 - there is no public way

    try:
        return str(canonicalize_bootstrap_address("auto"))
    except (ConnectionError, ValueError) as error:
        raise UnavailableError(
            "No Ray cluster runs on this machine: start it with `ray start`, or name another one by --address."
        ) from error


def _require_server(address: str, *, own_address: Callable[[], str]) -> None:
    """Refuse an address at which no Ray listens: Ray itself would try for minutes, and then end the process.

    Args:
        address: Of the cluster.
        own_address: What Ray takes instead of that of the loopback device.
    """
    import grpc  # noqa: PLC0415

    server = address.removeprefix("ray://")
    host, _, port = server.rpartition(":")
    try:
        if server == address and host in _LOOPBACK:
            server = f"{(host := own_address())}:{port}"
        with socket.create_connection((host, int(port)), timeout=_CONNECT_S):
            pass
        with grpc.insecure_channel(server) as channel:
            grpc.channel_ready_future(channel).result(timeout=_CONNECT_S)
    except (OSError, OverflowError, grpc.FutureTimeoutError) as error:
        raise UnavailableError(
            f"No Ray cluster answers at {address}: start it with `ray start`, or correct --address."
        ) from error
