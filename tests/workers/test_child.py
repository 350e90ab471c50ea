"""What a worker may take of the machine."""

import sys
from pathlib import Path

import pytest

from benchmark.workers.answers import OutOfMemory, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

ACTOR = "tests.workers.actors:Actor"
PATIENT_S = 60.0
MEGABYTE = 1_000_000


@pytest.mark.parametrize("threads", [1, 2])
def test_torch_computes_with_the_threads_it_was_given(log: Path, threads: int) -> None:
    with Worker(ACTOR, log=log, limits=Limits(threads=threads)) as worker:
        answer = worker.call("torch_threads", timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    assert answer.value == threads


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits are held on Linux only")
@pytest.mark.parametrize("method", ["allocate_numpy", "allocate_torch"])
def test_what_is_over_the_memory_limit_is_refused_with_the_bytes(log: Path, method: str) -> None:
    limits = Limits(memory_bytes=300 * MEGABYTE)
    with Worker(ACTOR, log=log, limits=limits) as worker:
        assert isinstance(worker.call(method, 100 * MEGABYTE, timeout_s=PATIENT_S), Returned)
        answer = worker.call(method, 400 * MEGABYTE, timeout_s=PATIENT_S)
        assert isinstance(answer, OutOfMemory), answer
        assert answer.limit_bytes == 300 * MEGABYTE
        assert answer.requested_bytes == pytest.approx(400 * MEGABYTE, rel=0.01)
        assert isinstance(worker.call("echo", 1, timeout_s=PATIENT_S), Returned)


@pytest.mark.parametrize("method", ["allocate_numpy", "allocate_torch"])
def test_terabytes_are_refused_without_a_limit_too(worker: Worker, method: str) -> None:
    answer = worker.call(method, 400 * 10**12, timeout_s=PATIENT_S)
    assert isinstance(answer, OutOfMemory), answer
    assert answer.requested_bytes == pytest.approx(400 * 10**12, rel=0.01)
    assert answer.limit_bytes is None
