"""What a worker that runs hostile code reaches: each test tries it, on a kernel that can refuse it."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.workers.answers import Returned
from benchmark.workers.protection import WorkerKind, landlock_version
from benchmark.workers.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux restricts workers")
ACTOR = "tests.workers.actors:HostileActor"
ROOT = Path(__file__).parents[2]
PATIENT_S = 60.0
PLANTED = "hf_planted"
BY_SECCOMP = {"connect by TCP", "send by UDP", "reach the fork server", "open sockets by io_uring"}
FIRST_VERSION_WITH_SIGNALS = 6
# The fork server imports nothing first, which takes time and changes nothing here.
SEARCH = """
import json, sys
from pathlib import Path
from benchmark.workers import process
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker
process._PRELOADED = ()
with Worker(sys.argv[1], log=Path(sys.argv[2]), kind=WorkerKind.FETCH) as worker:
    worker.call("privileges", timeout_s=60)  # the first to start, so multiprocessing's helper starts for it
with Worker(sys.argv[1], log=Path(sys.argv[2])) as worker:
    print(json.dumps(worker.call("search", sys.argv[3], timeout_s=60).value))
"""

WITHOUT = """
import platform
from pathlib import Path
from benchmark.workers import protection
protection.landlock_version = lambda: 0
platform.machine = lambda: "riscv64"
protection.protect([])
Path("written").touch()
print(protection.protections())
"""


@pytest.fixture
def hostile(log: Path) -> Iterator[Worker]:
    with Worker(ACTOR, log=log) as worker:
        yield worker


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        yield opened


def value(worker: Worker, method: str, *arguments: object) -> Any:
    answer = worker.call(method, *arguments, timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    return answer.value


def link_of(opened: socket.socket) -> str:
    return str(Path(f"/proc/self/fd/{opened.fileno()}").readlink())


def attempts(worker: Worker, listener: socket.socket, tmp_path: Path) -> dict[str, str]:
    outside = tmp_path / "outside"
    outside.write_text("kept", encoding="ascii")
    outcomes = value(worker, "attempt", listener.getsockname()[1], str(outside), os.getpid())
    assert isinstance(outcomes, dict)
    return outcomes


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="the filter knows two processors")
def test_a_worker_that_computes_reaches_no_network(hostile: Worker, listener: socket.socket, tmp_path: Path) -> None:
    outcomes = attempts(hostile, listener, tmp_path)
    assert {outcomes[name] for name in BY_SECCOMP} == {"PermissionError"}, outcomes


@pytest.mark.skipif(landlock_version() < FIRST_VERSION_WITH_SIGNALS, reason="this kernel's Landlock is too old")
def test_a_worker_that_computes_changes_nothing_outside_its_folders(
    hostile: Worker, listener: socket.socket, tmp_path: Path
) -> None:
    outcomes = attempts(hostile, listener, tmp_path)
    assert {outcomes[name] for name in outcomes.keys() - BY_SECCOMP} == {"PermissionError"}, outcomes
    assert (tmp_path / "outside").read_text(encoding="ascii") == "kept"


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_a_worker_writes_into_the_folders_that_it_is_given(log: Path, tmp_path: Path) -> None:
    given, other = tmp_path / "given", tmp_path / "other"
    given.mkdir()
    other.mkdir()
    with Worker(ACTOR, log=log, writable=[given]) as worker:
        temporary = Path(value(worker, "temporary"))
        assert (value(worker, "write", str(given)), value(worker, "write", str(other))) == ("done", "PermissionError")
        assert temporary.is_dir()
    assert temporary.is_relative_to(log.parents[1] / "temporary")
    assert not temporary.parent.exists()


def test_no_process_behind_a_worker_holds_the_secrets_of_the_user(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, ACTOR, str(tmp_path / "logs" / "log"), PLANTED],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_TOKEN": PLANTED},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


def test_a_worker_inherits_no_open_file_and_gains_no_privileges(hostile: Worker, listener: socket.socket) -> None:
    os.set_inheritable(listener.fileno(), True)
    assert link_of(listener) not in value(hostile, "descriptors")
    assert value(hostile, "privileges").split() == ["NoNewPrivs:", "1"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make a program of another user"
)
def test_a_program_of_another_user_runs_without_his_privileges(hostile: Worker, tmp_path: Path) -> None:
    program = Path(shutil.copy(shutil.which("id") or "/usr/bin/id", tmp_path / "id"))
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    assert value(hostile, "run", str(program)) == "0"


def test_a_worker_that_fetches_reaches_the_network_and_inherits_no_open_file(
    log: Path, listener: socket.socket, tmp_path: Path
) -> None:
    os.set_inheritable(listener.fileno(), True)
    with Worker(ACTOR, log=log, kind=WorkerKind.FETCH) as worker:
        assert link_of(listener) not in value(worker, "descriptors")
        assert attempts(worker, listener, tmp_path)["connect by TCP"] == "done"


def test_what_the_system_cannot_enforce_is_left_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Protections(no_new_privileges=True, landlock=0, no_sockets=False)\n"
    assert (tmp_path / "written").exists()
