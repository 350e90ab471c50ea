"""Where a worker's process comes from, and that nobody notices who should not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmark.workers import starting
from benchmark.workers.answers import Returned
from benchmark.workers.environment import WORKER_ENVIRONMENT, environment
from benchmark.workers.limits import Limits
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

WAITING_SCRIPT = """
import sys
from pathlib import Path
from benchmark.workers.worker import Worker
with Worker("tests.workers.actors:Actor", log=Path(sys.argv[1])) as worker:
    print(worker.call("pid", timeout_s=60).value, flush=True)
    try:
        worker.call("sleep", 600, timeout_s=900)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def facts_of(worker: Worker) -> dict[str, object]:
    answer = worker.call("facts", timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    assert isinstance(answer.value, dict)
    return answer.value


def start_script(text: str, folder: Path) -> "subprocess.Popen[str]":
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder / "script.log")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_worker_has_the_environment_that_must_be_set_before_imports(worker: Worker) -> None:
    found = facts_of(worker)["environment"]
    assert isinstance(found, dict)
    assert {name: found.get(name) for name in WORKER_ENVIRONMENT} == dict(WORKER_ENVIRONMENT)
    assert found["OMP_NUM_THREADS"] == "1"


def test_a_worker_sees_the_variables_of_its_parent_and_its_own(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_LATE_IN_THE_PARENT", "yes")
    with Worker("tests.workers.actors:Actor", log=log, environment={"OWN": "1"}, limits=Limits(threads=2)) as worker:
        found = facts_of(worker)["environment"]
    assert isinstance(found, dict)
    assert (found["SET_LATE_IN_THE_PARENT"], found["OWN"], found["OMP_NUM_THREADS"]) == ("yes", "1", "2")


def test_a_worker_lives_apart_from_the_terminal(worker: Worker) -> None:
    facts = facts_of(worker)
    assert facts["session"] == facts["group"] == worker.pid
    assert facts["interrupt_ignored"] is True
    assert facts["stdin"] == ""
    assert facts["core"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a fork server")
def test_the_libraries_are_there_before_the_actor_on_linux(worker: Worker) -> None:
    facts = facts_of(worker)
    assert (facts["torch"], facts["transformers"]) == (True, True)


def test_a_fresh_interpreter_serves_as_well(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_forks", lambda: False)
    before = dict(os.environ)
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        facts = facts_of(worker)
        threads = worker.call("torch_threads", timeout_s=PATIENT_S)
    assert isinstance(threads, Returned), threads
    assert threads.value == 1
    assert facts["main"] is None
    assert facts["torch"] is False
    assert isinstance(facts["environment"], dict)
    assert facts["environment"]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert dict(os.environ) == before


def test_the_parent_keeps_its_environment_its_main_and_its_modules(worker: Worker) -> None:
    before, main = dict(os.environ), sys.modules["__main__"]
    facts_of(worker)
    assert dict(os.environ) == before
    assert sys.modules["__main__"] is main


def test_the_environment_is_put_back_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE_BEFORE", "old")
    with pytest.raises(KeyError), environment({"THERE_BEFORE": "new", "NOT_THERE_BEFORE": "new"}):
        raise KeyError
    assert os.environ["THERE_BEFORE"] == "old"
    assert "NOT_THERE_BEFORE" not in os.environ


def test_a_script_without_a_main_guard_runs_once_and_stays_light(tmp_path: Path) -> None:
    script = start_script(UNGUARDED_SCRIPT, tmp_path)
    output, errors = script.communicate(timeout=PATIENT_S)
    assert (script.returncode, errors) == (0, "")
    assert output.splitlines() == [
        "the script runs",
        "main in the worker: None",
        "torch in the script: False",
        "same environment: True",
        "main in the script: True",
    ]


def test_an_interrupt_reaches_the_parent_and_takes_the_worker_along(tmp_path: Path) -> None:
    script = start_script(WAITING_SCRIPT, tmp_path)
    assert script.stdout is not None
    pid = int(script.stdout.readline())
    os.killpg(script.pid, signal.SIGINT)  # as a terminal does: to the whole group, the fork server too
    output, errors = script.communicate(timeout=20)
    assert (output, errors, script.returncode) == ("interrupted\n", "", 0)
    assert ended(pid, within_s=5)


def test_a_worker_ends_with_its_parent_even_in_the_middle_of_a_call(tmp_path: Path) -> None:
    script = start_script(WAITING_SCRIPT, tmp_path)
    assert script.stdout is not None
    pid = int(script.stdout.readline())
    script.kill()
    script.communicate(timeout=20)
    assert ended(pid, within_s=5)
