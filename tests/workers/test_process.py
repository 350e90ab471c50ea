"""Where a worker's process comes from, and that nobody notices who should not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmark.temporary import remove_abandoned
from benchmark.workers import process
from benchmark.workers.answers import Returned
from benchmark.workers.child import WorkerSetup
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

ROOT = Path(__file__).parents[2]
PATIENT_S = 60.0
UNGUARDED_SCRIPT = """
import os, sys
print("the script runs")
before = dict(os.environ)
from pathlib import Path
from benchmark.workers.worker import Worker
with Worker("tests.workers.actors:Actor", log=Path(sys.argv[1])) as worker:
    facts = worker.call("facts", timeout_s=60).value
print("main in the worker:", facts["main"])
print("torch in the script:", "torch" in sys.modules)
print("same environment:", dict(os.environ) == before)
print("main in the script:", sys.modules["__main__"].__file__ == __file__)
"""

DELETING_SCRIPT = """
import shutil, sys
from pathlib import Path
from benchmark.workers import process
from benchmark.workers.worker import Worker
process._PRELOADED = ()  # importing takes time, and changes nothing here
log = Path(sys.argv[1])
for turn in range(2):
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        print(worker.call("echo", turn, timeout_s=60).value)
    shutil.rmtree(log.parent)
    shutil.rmtree(log.parent.with_name("temporary"))
"""

# A shell starts what runs in its background with interrupts ignored, and the tests may run there.
WAITING_SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker
with Worker("tests.workers.actors:Actor", log=Path(sys.argv[1])) as worker:
    print("before", flush=True)
    try:
        print(worker.call("pid", timeout_s=60).value, flush=True)
        worker.call("sleep", 600, timeout_s=900)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


CALLS_IN_A_FOLDER = """
import sys
from pathlib import Path
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

with Worker("tests.workers.actors:Actor", log=Path(sys.argv[1]), kind=WorkerKind(sys.argv[2])) as worker:
    print(worker.call("echo", "heard", timeout_s=60).value)
"""


def facts_of(worker: Worker) -> dict[str, Any]:
    answer = worker.call("facts", timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    assert isinstance(answer.value, dict)
    return answer.value


Script = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[Script]:
    """Runs a text as a user's script, in a session of its own; whatever is left of it is killed after the test."""
    scripts: list[subprocess.Popen[str]] = []

    def start(text: str) -> "subprocess.Popen[str]":
        script = tmp_path / "script.py"
        script.write_text(text, encoding="utf-8")
        (tmp_path / "tmp").mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "logs" / "script.log")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        scripts.append(process)
        return process

    yield start
    for script in scripts:
        if script.poll() is None:
            script.kill()
        script.communicate()


def ended(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_worker_lives_apart_from_the_terminal(worker: Worker) -> None:
    facts = facts_of(worker)
    assert facts["session"] == facts["group"] == worker.pid
    assert facts["interrupt_ignored"] is True
    assert facts["stdin"] == ""
    assert facts["core"] == 0
    if sys.platform == "linux":  # only Linux has a fork server
        assert (facts["torch"], facts["transformers"]) == (True, True)


def test_a_fresh_interpreter_serves_as_well(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_forks", lambda: False)
    before = dict(os.environ)
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        facts = facts_of(worker)
        threads = worker.call("torch_threads", timeout_s=PATIENT_S)
    assert isinstance(threads, Returned), threads
    assert threads.value == 1
    assert facts["main"] is None
    assert facts["torch"] is False
    assert facts["environment"]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert dict(os.environ) == before


def test_a_script_without_a_main_guard_runs_once_and_stays_light(start_script: Script) -> None:
    script = start_script(UNGUARDED_SCRIPT)
    output, errors = script.communicate(timeout=PATIENT_S)
    assert (script.returncode, errors) == (0, "")
    assert output.splitlines() == [
        "the script runs",
        "main in the worker: None",
        "torch in the script: False",
        "same environment: True",
        "main in the script: True",
    ]


def start_waiting(start_script: Script) -> tuple["subprocess.Popen[str]", int]:
    """Start a script whose worker is in the middle of a call, and give the worker's process id."""
    script = start_script(WAITING_SCRIPT)
    assert script.stdout is not None
    assert script.stdout.readline() == "before\n"
    pid = int(script.stdout.readline())
    time.sleep(0.5)  # by now the worker is in the middle of its next call
    return script, pid


def test_an_interrupt_reaches_the_parent_and_takes_the_worker_along(start_script: Script) -> None:
    script, pid = start_waiting(start_script)
    os.killpg(script.pid, signal.SIGINT)  # as a terminal does: to the whole group, the fork server too
    output, errors = script.communicate(timeout=20)
    assert (output, errors, script.returncode) == ("interrupted\n", "", 0)
    assert ended(pid, within_s=5)


def test_a_worker_ends_with_its_parent_and_what_both_leave_can_be_removed(start_script: Script, tmp_path: Path) -> None:
    script, pid = start_waiting(start_script)
    script.kill()
    script.communicate(timeout=20)
    assert ended(pid, within_s=5)
    assert list((tmp_path / "tmp").iterdir()) == []
    temporary = tmp_path / "temporary"
    assert list(temporary.iterdir()) != []
    remove_abandoned(temporary)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a fork server, whose socket lies in the cache")
def test_workers_start_again_after_somebody_deleted_the_cache(start_script: Script) -> None:
    output, errors = start_script(DELETING_SCRIPT).communicate(timeout=PATIENT_S)
    assert (output, errors) == ("0\n1\n", "")


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("COMPUTE", 1.0, id="in the fork server"),  # its imports take seconds
        pytest.param("FETCH", 0.15, id="in a fresh interpreter"),
    ],
)
def test_an_interrupt_while_libraries_are_still_being_imported_is_as_quiet(
    start_script: Script, kind: str, seconds: float
) -> None:
    script = start_script(WAITING_SCRIPT.replace("Path(sys.argv[1])", f"Path(sys.argv[1]), kind=WorkerKind.{kind}"))
    assert script.stdout is not None
    assert script.stdout.readline() == "before\n"
    time.sleep(seconds)
    os.killpg(script.pid, signal.SIGINT)
    output, errors = script.communicate(timeout=40)
    assert (output.splitlines()[-1:], errors, script.returncode) == (["interrupted"], "", 0)


@pytest.mark.parametrize(
    "deaths",
    [
        pytest.param([ConnectionRefusedError("the server died after it was found alive")], id="before the request"),
        pytest.param([EOFError("the server died with the request in its hands")], id="after the request"),
        pytest.param([ConnectionRefusedError("it is still being taken down")] * 3, id="slowly"),
    ],
)
def test_a_fork_server_that_dies_in_the_middle_of_a_start_is_started_again(
    deaths: list[Exception], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = process._fork
    launches: list[object] = []

    def refuse_at_first(setup: WorkerSetup) -> object:
        launches.append(setup)
        if len(launches) <= len(deaths):
            raise deaths[len(launches) - 1]
        return launch(setup)

    monkeypatch.setattr(process, "_fork", refuse_at_first)
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        assert isinstance(worker.call("facts", timeout_s=PATIENT_S), Returned)
    assert len(launches) == len(deaths) + 1


def test_a_process_whose_server_died_at_its_birth_takes_no_message_of_its_successor(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, deaths = forkserver.read_signed, list[EOFError]()

    def die_at_first(descriptor: int) -> int:
        number: int = read(descriptor)
        if not deaths:
            deaths.append(EOFError("the server died before it told the process's number"))
            raise deaths[0]  # kept with its frames, so that the process goes on
        return number

    monkeypatch.setattr(forkserver, "read_signed", die_at_first)
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        answers = [worker.call("pid", timeout_s=10) for _ in range(20)]
        pids = {answer.value if isinstance(answer, Returned) else None for answer in answers}
        assert pids == {worker.pid}
    deaths[0].__traceback__ = None


@pytest.mark.parametrize("kind", WorkerKind)
def test_code_in_the_current_folder_never_runs(tmp_path: Path, kind: WorkerKind) -> None:
    folder, script = tmp_path / "repository", tmp_path / "script.py"
    folder.mkdir()
    for name in ("multiprocessing", "signal", "torch", "benchmark"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    script.write_text(CALLS_IN_A_FOLDER)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "logs" / "worker.log"), kind],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, (tmp_path / "canary").exists()) == ("heard\n", False), done.stderr
