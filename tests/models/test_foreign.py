"""Programs that compute in place of a checkpoint, each in a real process that keeps to the protocol or breaks it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmark.models.foreign import RESTARTS, command_fields
from benchmark.models.load_reports import LoadOptions
from benchmark.workers.answers import Answer, Crashed, Raised, Returned
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are run on Linux and macOS only")
PROGRAM = Path(__file__).parents[1] / "support" / "foreign_program.py"
LABELS = ["angry", "sad", "neutral"]
ACTOR = "benchmark.models.actor:ModelActor"
PATIENT_S = 60.0
QUICK_S = 1.5
USUAL = np.full(800, 0.1, dtype=np.float32)
SPECIAL = np.ones(800, dtype=np.float32)
WATCHED = """
import sys, time
from dataclasses import asdict
from pathlib import Path
from benchmark.models.foreign import command_fields
from benchmark.models.load_reports import LoadOptions
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker
worker = Worker("benchmark.models.actor:ModelActor", log=Path(sys.argv[1]), kind=WorkerKind.FOREIGN, preloaded=False)
command = command_fields(sys.argv[2:], start_timeout_s=60, answer_timeout_s=60)
worker.call("load", ".", asdict(LoadOptions(command=command)), timeout_s=60)
print("ready", flush=True)
time.sleep(600)
"""


class Program:
    """A worker with a program in a mode."""

    def __init__(self, worker: Worker, arguments: list[str]) -> None:
        self.worker = worker
        command = command_fields(arguments, start_timeout_s=PATIENT_S, answer_timeout_s=QUICK_S)
        self.loaded = worker.call("load", ".", asdict(LoadOptions(command=command)), timeout_s=PATIENT_S)

    def ask(self, samples: np.ndarray[Any, np.dtype[np.float32]] = USUAL) -> Answer:
        return self.worker.call("predict", samples, timeout_s=PATIENT_S)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "program.log"


@pytest.fixture
def start(log: Path) -> Iterator[Callable[..., Program]]:
    with ExitStack() as stack:

        def started(*arguments: str, kind: WorkerKind = WorkerKind.FOREIGN) -> Program:
            worker = stack.enter_context(Worker(ACTOR, log=log, kind=kind, preloaded=False))
            return Program(worker, [sys.executable, str(PROGRAM), *arguments])

        yield started


def probabilities(answer: Answer) -> list[float]:
    assert isinstance(answer, Returned), answer
    logits = answer.value["logits"].astype(np.float64)
    return (np.exp(logits) / np.exp(logits).sum()).round(5).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("object", [0.75, 0.25, 0.0]),
        ("list", [0.5, 0.25, 0.25]),
        ("whole-text", [1.0, 0.0, 0.0]),
        ("sentence", [0.0, 1.0, 0.0]),
        ("logits", [0.84379, 0.04201, 0.1142]),
        ("prints", None),
    ],
)
def test_answers_of_every_form_are_read(start: Callable[..., Program], mode: str, expected: list[float] | None) -> None:
    own = start(mode)
    assert isinstance(own.loaded, Returned), own.loaded
    assert own.loaded.value["labels"] == LABELS
    assert (own.loaded.value["head"], own.loaded.value["sampling_rate"]) == ("foreign", 8000)
    answers = [probabilities(own.ask()) for _ in range(2)]
    assert answers[0] == answers[1]
    assert expected is None or answers[0] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("several", "names several labels"),
        ("nothing", "names no label"),
        ("error", "it says: too loud"),
        ("unknown-label", "labels that it did not announce: hungry"),
        ("too-few", "no list of 3 scores"),
        ("too-much", "no probabilities: the smallest is 0.9, and their sum 2.7"),
        ("negative", "no probabilities"),
        ("words", "not all numbers"),
        ("not-finite", "not finite"),
        ("zeros", "all its probabilities are zero"),
        ("no-scores", "no list of 3 scores"),
    ],
)
def test_an_answer_that_is_none_fails_its_window_only(start: Callable[..., Program], mode: str, reason: str) -> None:
    own = start(mode)
    for _ in range(RESTARTS + 2):  # the program goes on
        answer = own.ask()
        assert isinstance(answer, Raised)
        assert answer.kind == "NoAnswerError"
        assert reason in answer.message


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("dies-at-one", "it was ended by signal 11"),
        ("hangs", "no answer within 1.5 s"),
        ("out-of-order", "out of order: window"),
        ("rubbish", "no JSON: '{no json at all'"),
        ("long", "a line of more than 1,000,000 bytes"),
    ],
)
def test_a_program_that_fails_at_one_window_is_started_again(
    start: Callable[..., Program], mode: str, reason: str
) -> None:
    own = start(mode)
    before = probabilities(own.ask())
    failed = own.ask(SPECIAL)
    assert isinstance(failed, Raised), failed
    assert reason in failed.message
    assert probabilities(own.ask()) == before


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("ends", "it ended with exit code 3"),
        ("no-json", "its first line is no announcement, but '{hello'"),
        ("no-labels", "its first line is no announcement: labels: "),
        ("floods", "a line of more than 1,000,000 bytes"),
    ],
)
def test_a_program_that_does_not_announce_itself_is_not_loaded(
    start: Callable[..., Program], mode: str, reason: str
) -> None:
    loaded = start(mode).loaded
    assert isinstance(loaded, Raised)
    assert reason in loaded.message


@pytest.mark.parametrize("mode", ["dies", "changing"])
def test_a_program_that_always_fails_ends_its_worker(start: Callable[..., Program], mode: str) -> None:
    own = start(mode)
    if mode == "changing":  # announces something else when it is started again
        psutil.Process(own.worker.pid).children()[0].kill()
    answers = [own.ask() for _ in range(RESTARTS + 1)]
    assert isinstance(answers[-1], Crashed)


def test_what_is_no_program_is_said(log: Path) -> None:
    with Worker(ACTOR, log=log, kind=WorkerKind.FOREIGN, preloaded=False) as worker:
        loaded = Program(worker, ["no-such-program"]).loaded
    assert isinstance(loaded, Raised)
    assert "'no-such-program' cannot be started: No such file or directory" in loaded.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses the network")
def test_without_the_network_means_without_sockets(start: Callable[..., Program]) -> None:
    assert probabilities(start("connects", kind=WorkerKind.FOREIGN_ONLINE).ask())[0] == 1.0
    assert probabilities(start("connects").ask())[1] == 1.0


def running(marker: str) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.pid != psutil.Process().pid and any(marker in part for part in process.info["cmdline"] or ())
    ]


def wait_until_gone(marker: str) -> list[int]:
    deadline = time.monotonic() + 10
    while (left := running(marker)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds processes whose parents have ended")
def test_nothing_that_a_program_has_started_outlives_its_worker(start: Callable[..., Program]) -> None:
    marker = str(time.time_ns())
    own = start("children", marker)
    assert len(running(marker)) > 2
    own.worker.close()
    assert wait_until_gone(marker) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds processes whose parents have ended")
def test_nor_does_it_outlive_a_bench_that_is_killed(tmp_path: Path) -> None:
    marker = str(time.time_ns())
    arguments = [sys.executable, str(PROGRAM), "children", marker]
    bench = subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(tmp_path / "worker.log"), *arguments], stdout=subprocess.PIPE, text=True
    )
    assert bench.stdout is not None
    assert bench.stdout.readline() == "ready\n"
    assert len(running(marker)) > 2
    bench.kill()
    bench.wait()
    bench.stdout.close()
    assert wait_until_gone(marker) == []
