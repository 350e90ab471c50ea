"""What becomes of a call, however the actor behaves."""

import math
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmark.errors import UnavailableError
from benchmark.workers.answers import Crashed, Raised, Returned, TimedOut
from benchmark.workers.messages import NotPlainError
from benchmark.workers.worker import Worker

PATIENT_S = 60.0


def returned(worker: Worker, method: str, *arguments: object) -> Any:
    answer = worker.call(method, *arguments, timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    return answer.value


@pytest.mark.parametrize(
    "value",
    [
        None,
        [True, 0, -(2**80), 1.5, math.inf, -math.inf],
        ["", "분노 😡 \n\0", "lone surrogate \udcff"],
        [[], {}, [None]],
        {"a": {"b": [1, 2.5, "c", None, False]}},
        {"$array": 0},
        {"$items": [["$array", {"$items": 1}]], "other": 2},
    ],
)
def test_plain_data_comes_back_as_it_was_sent(worker: Worker, value: object) -> None:
    assert repr(returned(worker, "echo", value)) == repr(value)  # types count as well
    assert math.isnan(returned(worker, "echo", {"uar": [math.nan]})["uar"][0])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.array(2.5),
        np.arange(6, dtype=np.int64).reshape(2, 3)[:, ::2],
        np.array([math.nan, math.inf], np.float16),
        np.array([1 + 2j]),
        np.array([True, False]),
        np.array([1, 2], ">i4"),
    ],
)
def test_arrays_come_back_bit_by_bit_wherever_they_stand(worker: Worker, array: np.ndarray[Any, Any]) -> None:
    first, inner = returned(worker, "echo", [array, {"deep": [array]}])
    for copy in (first, inner["deep"][0]):
        assert copy.dtype == array.dtype
        assert copy.shape == array.shape
        assert copy.tobytes() == array.tobytes()


def test_arrays_of_100_megabytes_arrive_and_can_be_written_to_on_both_sides(worker: Worker) -> None:
    array = returned(worker, "double", np.ones(25_000_000, np.float32))
    assert array.nbytes == 100_000_000
    assert (array == 2).all()
    array[0] = 1


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        ("a_set", "value['returned']['inner'][1] is of type set"),
        ("number_keys", "the key 1"),
        ("nested", "nested too deeply"),
        ("huge_integer", "JSON"),
        ("objects", "array of object"),
    ],
)
def test_an_answer_that_is_not_plain_data_is_an_exception_that_says_so(
    worker: Worker, method: str, problem: str
) -> None:
    answer = worker.call(method, timeout_s=PATIENT_S)
    assert isinstance(answer, Raised)
    assert answer.kind == "NotPlainError" or answer.outer.startswith("NotPlainError")
    assert problem in answer.outer
    assert returned(worker, "echo", 1) == 1


def test_an_argument_that_is_not_plain_data_is_refused_and_the_actor_keeps_its_state(worker: Worker) -> None:
    returned(worker, "echo", 1)
    with pytest.raises(NotPlainError, match="of type object"):
        worker.call("echo", object(), timeout_s=PATIENT_S)
    assert returned(worker, "count") == 1


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("fail_inside", Raised(kind="KeyError", message="'weight'", outer="RuntimeError: loading failed")),
        (
            "fail_hiding_the_cause",
            Raised(kind="ValueError", message="a better message", outer="ValueError: a better message"),
        ),
    ],
)
def test_an_exception_is_described_by_its_innermost_cause_that_is_not_hidden(
    worker: Worker, method: str, answer: Raised
) -> None:
    assert worker.call(method, timeout_s=PATIENT_S) == answer


def test_a_huge_message_of_many_lines_becomes_one_short_line(worker: Worker) -> None:
    answer = worker.call("fail", "first\n  second\r\x1b[31m" + "x" * 1_000_000, timeout_s=PATIENT_S)
    assert isinstance(answer, Raised)
    assert answer.message.startswith("first second")
    assert len(answer.message) == 500
    assert answer.message.isprintable()


@pytest.mark.parametrize(
    ("method", "arguments", "kind", "message"),
    [
        ("fail", ("caf\udce9",), "ValueError", "caf"),
        ("fail_unpicklably", (), "UnpicklableError", "hidden_size: is not a number"),
        ("fail_unprintably", (), "UnprintableError", ""),
        ("leave", (3,), "SystemExit", "3"),
        ("interrupt", (), "KeyboardInterrupt", ""),
        ("no_such_method", (), "AttributeError", ""),
    ],
)
def test_whatever_is_raised_is_an_answer_after_which_the_worker_lives(
    worker: Worker, method: str, arguments: tuple[object, ...], kind: str, message: str
) -> None:
    answer = worker.call(method, *arguments, timeout_s=PATIENT_S)
    assert isinstance(answer, Raised)
    assert answer.kind == kind
    assert answer.message.startswith(message)
    assert returned(worker, "echo", 1) == 1


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        ("tests.workers.actors:BrokenConstructor", "ValueError"),
        ("tests.workers.actors:Missing", "AttributeError"),
        ("tests.workers.no_such_module:Actor", "ModuleNotFoundError"),
    ],
)
def test_an_actor_that_cannot_be_made_fails_every_call(log: Path, actor: str, kind: str) -> None:
    with Worker(actor, log=log) as worker:
        for _ in range(2):
            answer = worker.call("echo", 1, timeout_s=PATIENT_S)
            assert isinstance(answer, Raised)
            assert answer.kind == kind


@pytest.mark.parametrize(
    ("method", "argument", "answer"),
    [
        ("kill", signal.SIGKILL.value, Crashed(signal="SIGKILL", exit_code=None)),
        ("kill", signal.SIGTERM.value, Crashed(signal="SIGTERM", exit_code=None)),
        ("exit_hard", 3, Crashed(signal=None, exit_code=3)),
        ("exit_hard", 0, Crashed(signal=None, exit_code=0)),
    ],
)
def test_a_process_that_ends_is_an_answer_and_stays_the_answer(
    worker: Worker, method: str, argument: int, answer: Crashed
) -> None:
    assert worker.call(method, argument, timeout_s=PATIENT_S) == answer
    assert worker.call("echo", 1, timeout_s=PATIENT_S) == answer
    assert worker.pid is None


def test_a_segmentation_fault_is_an_answer_and_its_traceback_is_in_the_log(worker: Worker, log: Path) -> None:
    assert worker.call("segfault", timeout_s=PATIENT_S) == Crashed(signal="SIGSEGV", exit_code=None)
    assert "in segfault" in log.read_text(encoding="utf-8")


def test_a_kill_from_outside_in_the_middle_of_a_call_is_an_answer(worker: Worker) -> None:
    pid = returned(worker, "pid")
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    answer = worker.call("sleep", 60, timeout_s=PATIENT_S)
    assert answer == Crashed(signal="SIGKILL", exit_code=None)
    assert "memory" in answer.reason


def test_a_kill_between_two_calls_is_the_answer_of_the_next(worker: Worker) -> None:
    os.kill(returned(worker, "pid"), signal.SIGKILL)
    assert worker.call("echo", 1, timeout_s=PATIENT_S) == Crashed(signal="SIGKILL", exit_code=None)


@pytest.mark.parametrize("method", ["sleep", "stop"])
def test_a_call_past_its_time_is_ended_and_stays_ended(worker: Worker, method: str) -> None:
    pid = returned(worker, "pid")
    begin = time.monotonic()
    arguments = (60,) if method == "sleep" else ()
    assert worker.call(method, *arguments, timeout_s=0.3) == TimedOut(0.3)
    assert time.monotonic() - begin < 5
    assert not psutil.pid_exists(pid)
    assert worker.call("echo", 1, timeout_s=PATIENT_S) == TimedOut(0.3)


def test_a_worker_that_stops_reading_is_timed_out_in_the_middle_of_sending(worker: Worker) -> None:
    os.kill(returned(worker, "pid"), signal.SIGSTOP)
    assert worker.call("echo", np.zeros(50_000_000, np.uint8), timeout_s=0.3) == TimedOut(0.3)


def test_processes_that_an_actor_has_started_end_with_it(log: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with Worker("tests.workers.actors:Actor", log=log, writable=[tmp_path]) as worker:
        assert worker.call("hang_beside_a_child", str(pid_file), timeout_s=1.5) == TimedOut(1.5)
    grandchild = int(pid_file.read_text(encoding="ascii"))
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_an_actor_that_closes_its_pipe_or_writes_nonsense_to_it_has_crashed(log: Path) -> None:
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        returned(worker, "echo", 1)  # the fork server runs
    helpers = set(psutil.Process().children())
    for method in ("close_everything", "talk_nonsense"):
        with Worker("tests.workers.actors:Actor", log=log) as worker:
            answer = worker.call(method, timeout_s=20)
            assert isinstance(answer, Crashed), (method, answer)
            # With its descriptors gone, the worker may take its parent for gone, too, and end itself first.
            assert answer.signal in (None, "SIGKILL")
    assert set(psutil.Process().children()) == helpers


@pytest.mark.parametrize("array", [True, False])
def test_an_answer_that_would_fill_the_memory_of_its_reader_is_not_received(log: Path, array: bool) -> None:
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        assert isinstance(worker.call("send_too_much", array, timeout_s=PATIENT_S), Crashed)


def test_what_an_actor_prints_goes_to_the_log_and_not_to_the_terminal(
    worker: Worker, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    returned(worker, "say", "a line \udcff", 2)
    worker.call("fail", "on purpose", timeout_s=PATIENT_S)
    worker.close()
    text = log.read_text(encoding="utf-8")
    assert text.count("a line \\udcff\n") == 2
    assert "from C" in text
    assert "ValueError: on purpose" in text
    assert "Traceback" in text
    assert capfd.readouterr() == ("", "")


def test_a_log_of_many_megabytes_keeps_its_ends(worker: Worker, log: Path) -> None:
    returned(worker, "say", "first", 1)
    returned(worker, "say", "x" * 1_000_000, 10)
    returned(worker, "say", "last", 1)
    worker.close()
    content = log.read_text(encoding="utf-8")
    assert len(content) < 4_100_000
    assert "first\n" in content
    assert "last\n" in content
    assert "bytes left out" in content


def test_a_log_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UnavailableError, match="BENCH_CACHE"):
        Worker("tests.workers.actors:Actor", log=tmp_path / "file" / "worker.log")


def test_what_a_worker_prints_reaches_no_file_that_its_log_is_a_link_to(log: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    content = "x" * 5_000_000
    outside.write_text(content, encoding="ascii")
    log.parent.mkdir()
    for make_link in (log.symlink_to, log.hardlink_to):
        make_link(outside)
        with Worker("tests.workers.actors:Actor", log=log) as worker:
            returned(worker, "say", "printed", 1)
            assert "printed" in log.read_text(encoding="utf-8")
            log.unlink()
            make_link(outside)  # before it is shortened
        assert outside.read_text(encoding="ascii") == content
        log.unlink()


def test_a_folder_of_logs_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").symlink_to(tmp_path)
    with pytest.raises(UnavailableError, match="its folder is a link"):
        Worker("tests.workers.actors:Actor", log=tmp_path / "logs" / "worker.log")


def test_a_closed_worker_refuses_calls_and_can_be_closed_again(worker: Worker) -> None:
    pid = returned(worker, "pid")
    worker.close()
    worker.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(ValueError, match="closed"):
        worker.call("echo", 1, timeout_s=PATIENT_S)


def test_a_worker_that_is_never_called_starts_no_process(log: Path) -> None:
    with Worker("tests.workers.actors:Actor", log=log) as worker:
        assert worker.pid is None


def test_fifty_workers_one_after_the_other_leave_no_processes_and_no_descriptors(log: Path) -> None:
    def run(method: str, *arguments: object) -> None:
        with Worker("tests.workers.actors:Actor", log=log) as worker:
            worker.call(method, *arguments, timeout_s=PATIENT_S)

    run("echo", 1)
    harness = psutil.Process()
    descriptors, processes = harness.num_fds(), len(harness.children(recursive=True))
    for _ in range(24):
        run("echo", 1)
        run("kill", signal.SIGKILL.value)
    run("sleep", 0)
    run("exit_hard", 0)
    assert harness.num_fds() == descriptors
    assert len(harness.children(recursive=True)) == processes


def test_threads_that_start_workers_take_no_exit_codes_from_each_other(tmp_path: Path) -> None:
    with Worker("tests.workers.actors:Actor", log=tmp_path / "log") as worker:
        returned(worker, "echo", 1)
        assert psutil.pid_exists(worker.pid or 0)
        assert multiprocessing.active_children() == []  # else every start of another process asks how it ended


def test_workers_of_several_threads_do_not_mix_their_answers(tmp_path: Path) -> None:
    answers: dict[int, Any] = {}

    def work(index: int) -> None:
        with Worker("tests.workers.actors:Actor", log=tmp_path / f"{index}.log") as worker:
            answers[index] = [returned(worker, "echo", [index, turn]) for turn in range(20)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {index: [[index, turn] for turn in range(20)] for index in range(4)}
