"""A known environment and an own cache for every test, and no network beyond this machine."""

import ipaddress
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import run_bench
from tests.support.once import made_once

_SHARED = os.environ.get("BENCH_SHARED")
# Settings of the tests themselves.
_FOR_TESTS = frozenset(
    {"BENCH_SHARED", "BENCH_CHROMIUM", "BENCH_REQUIRE_BROWSER", "BENCH_ATTACKS", "BENCH_ATTACK_SEED"}
)

_ENVIRONMENT = {
    # Spinning thread pools slow tiny models down a hundredfold.
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # transformers would request another file of the Hub in a thread.
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # For child processes, which the guard below does not reach.
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "COLUMNS": "120",
}
_FORGOTTEN = (
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    # Force colours.
    "FORCE_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    # Proxies would get requests to loopback.
    *(name for proxy in ("http_proxy", "https_proxy", "all_proxy") for name in (proxy, proxy.upper())),
)

_patch = pytest.MonkeyPatch()
_folder = tempfile.TemporaryDirectory(prefix="bench-tests-", ignore_cleanup_errors=True)
_reached_for: list[str] = []


class OutsideNetworkError(OSError):
    """A test has tried to reach another machine."""


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name in ("localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_the_outside(host: object) -> None:
    if _is_here(host):
        return
    if not str(host).endswith(".invalid"):  # reserved for names that nobody has (RFC 6761): asking is no accident
        _reached_for.append(str(host))
    raise OutsideNetworkError(f"the tests reach no machine but this one, and {host!r} is another")


def _guard_sockets() -> None:
    look_up, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def guarded_look_up(host: bytes | str | None, *args: Any, **kwargs: Any) -> Any:
        _refuse_the_outside(host)
        return look_up(host, *args, **kwargs)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_the_outside(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_the_outside(address[0])
        return connect_ex(self, address)

    _patch.setattr(socket, "getaddrinfo", guarded_look_up)
    _patch.setattr(socket.socket, "connect", guarded_connect)
    _patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)


def _set_environment() -> None:
    settings = [name for name in os.environ if name.startswith("BENCH_") and name not in _FOR_TESTS]
    for name in [*_FORGOTTEN, *settings]:
        _patch.delenv(name, raising=False)
    for name, value in _ENVIRONMENT.items():
        _patch.setenv(name, value)
    _patch.setenv("BENCH_CACHE", str(Path(_folder.name) / "bench"))
    _patch.setenv("HF_HOME", str(Path(_folder.name) / "huggingface"))


# Not in `pytest_configure`: where a folder of tests is named, pytest imports its conftest before that, and with it the
# Hub's client, which reads the environment when it is imported.
_set_environment()
_guard_sockets()


def pytest_unconfigure() -> None:
    """Restore the environment."""
    _patch.undo()
    _folder.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest file."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/docs/"))


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Enable SIGINT, which shells disable for background processes."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fail a test that tried to reach the network, even if the code under test handled the error."""
    _reached_for.clear()
    yield
    if _reached_for:
        pytest.fail(f"this test reached for {', '.join(sorted(set(_reached_for)))}: let it ask a server on loopback")


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Path:
    """The folder of recordings and checkpoints: `$BENCH_SHARED`, or beside the checkout."""
    folder = Path(_SHARED).expanduser() if _SHARED else pytestconfig.rootpath.parent / "shared"
    if not (folder / "corpora").is_dir():
        pytest.skip(f"there are no shared recordings in {folder}; set BENCH_SHARED to the folder that holds them")
    return folder.resolve()


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the read-only folder of a run of the demo: cache (`.bench`), reports, and `stdout.txt`."""
    return made_once("demo-run", _run_demo, tmp_path_factory)


def _run_demo(folder: Path) -> None:
    ended = run_bench("run", "--candidates", "demo", "--min-emotions", 5, "--latency-seconds", 0.2, folder=folder)
    assert ended.returncode == 0, ended.stderr
    (folder / "stdout.txt").write_text(ended.stdout, encoding="utf-8")


@pytest.fixture
def hangup_ends_processes() -> Iterator[None]:
    """Start processes in which SIGHUP is not ignored, as it is in all that `nohup` starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
