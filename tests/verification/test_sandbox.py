from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.results.status import Status
from benchmark.verification import sandbox
from benchmark.verification.sandbox import Built, OpenWorkers, SkeletonBuilder
from tests.support.tiny_models import tiny_config

GOOD: dict[str, Any] = {"model_type": "wav2vec2", **tiny_config("wav2vec2")}


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[SkeletonBuilder]:
    workers = OpenWorkers()
    yield SkeletonBuilder(log=tmp_path / "log", timeout_s=20.0, workers=workers)
    workers.end()


def status(built: Built) -> Status | None:
    return None if built.skeleton is not None else built.findings[0].status


def test_a_batch_is_built_and_what_cannot_be_gets_its_own_status(builder: SkeletonBuilder) -> None:
    configs = {
        "good": GOOD,
        "invalid": {**GOOD, "hidden_size": "many"},
        "indivisible": {**GOOD, "num_attention_heads": 5},
        "terabytes": {**GOOD, "hidden_size": 3_000_000_000},
        "also good": {"model_type": "hubert", **tiny_config("hubert")},
    }
    assert {name: status(each) for name, each in builder.build(configs).items()} == {
        "good": None,
        "invalid": Status.INVALID_CONFIG,
        "indivisible": Status.LOAD_FAILED,
        "terabytes": Status.OUT_OF_MEMORY,
        "also good": None,
    }


def test_one_that_kills_the_worker_hangs_or_eats_memory_costs_nobody_else(
    builder: SkeletonBuilder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "_ACTOR", "tests.verification.actors:FragileInspector")
    monkeypatch.setattr(sandbox, "SKELETON_BYTES", 400_000_000)
    patient = SkeletonBuilder(log=tmp_path / "log", timeout_s=3.0, workers=builder.workers)
    deadly, endless, hungry = ({**GOOD, "name": name} for name in ("crash", "hang", "memory"))
    built = patient.build({"a": GOOD, "deadly": deadly, "b": GOOD, "endless": endless, "hungry": hungry, "c": GOOD})
    assert {name: status(each) for name, each in built.items()} == {
        "a": None,
        "deadly": Status.CRASHED,
        "b": None,
        "endless": Status.TIMED_OUT,
        "hungry": Status.OUT_OF_MEMORY,
        "c": None,
    }


def test_nothing_to_build_starts_nothing(builder: SkeletonBuilder) -> None:
    assert builder.build({}) == {}
    assert not builder.log.exists()
