from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.models.head_rules import Skeleton
from benchmark.results.status import Status
from benchmark.threads import in_parallel
from benchmark.verification import sandbox
from benchmark.verification.sandbox import InspectionWorker, WorkerPool, isolate_errors
from benchmark.workers.answers import WorkerLostError
from tests.support.tiny_models import tiny_config

GOOD: dict[str, Any] = {"model_type": "wav2vec2", **tiny_config("wav2vec2")}


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool()
    yield pool
    pool.end()


@pytest.fixture
def worker(pool: WorkerPool, tmp_path: Path) -> Iterator[InspectionWorker]:
    worker = InspectionWorker(pool, tmp_path / "log", timeout_s=20.0)
    yield worker
    worker.close()


def status(worker: InspectionWorker, config: dict[str, Any]) -> Status | None:
    built = worker.skeleton(config)
    return None if isinstance(built, Skeleton) else built.status


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"hidden_size": "many"}, Status.INVALID_CONFIG),
        ({"num_attention_heads": 5}, Status.LOAD_FAILED),
        ({"hidden_size": 3_000_000_000}, Status.OUT_OF_MEMORY),
        ({"hidden_size": 300_000_000, "num_attention_heads": 2}, Status.OUT_OF_MEMORY),
    ],
)
def test_what_cannot_be_built_gets_its_own_status(
    worker: InspectionWorker, changes: dict[str, Any], expected: Status | None
) -> None:
    assert status(worker, {**GOOD, **changes}) is expected
    assert status(worker, GOOD) is None


def test_a_configuration_that_kills_the_worker_hangs_or_eats_memory_costs_nobody_else(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "_INSPECTION_ACTOR", "tests.verification.actors:FragileInspector")
    monkeypatch.setattr(sandbox, "INSPECTION_BYTES", 400_000_000)
    worker = InspectionWorker(pool, tmp_path / "log", timeout_s=3.0)
    names = ("", "crash", "", "hang", "memory", "")
    assert [status(worker, {**GOOD, "name": name}) for name in names] == [
        None,
        Status.CRASHED,
        None,
        Status.TIMED_OUT,
        Status.OUT_OF_MEMORY,
        None,
    ]
    with pytest.raises(WorkerLostError, match="SIGKILL"):
        worker.skeleton({**GOOD, "name": "kill"})
    worker.close()


def test_several_threads_share_the_worker(worker: InspectionWorker) -> None:
    configs = [{**GOOD, "num_hidden_layers": layers} for layers in (1, 2, 3, 4)]
    built = in_parallel(worker.skeleton, configs, threads=4, finished=lambda: None)
    sizes = [skeleton.parameters for skeleton in built if isinstance(skeleton, Skeleton)]
    assert len(set(sizes)) == len(configs)
    assert sizes == sorted(sizes)


def test_nothing_is_started_after_the_end(pool: WorkerPool, worker: InspectionWorker) -> None:
    pool.end()
    with pytest.raises(InterruptedError):
        worker.skeleton(GOOD)


def test_what_ends_all_is_not_isolated() -> None:
    def task(error: Exception) -> None:
        raise error

    isolated = isolate_errors(task, lambda _item, _error: None)
    assert [isolated(error) for error in (MemoryError(), OSError())] == [None, None]
    for ending in (RequestError("no"), UnavailableError("full"), InterruptedError()):
        with pytest.raises(type(ending)):
            isolated(ending)
