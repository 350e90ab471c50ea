from pathlib import Path

import pytest

import benchmark
from benchmark.evaluation.eligibility import Subject
from benchmark.models.backends.protocol import BACKENDS, Engine
from benchmark.registry.schema import Candidate
from benchmark.results.cache_listing import list_cache
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import CONVERSION, Prediction
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings


def subject(status: Status, head: str, **parameters: str) -> Subject:
    verification = Verification(
        candidate="model",
        id="org/model",
        revision="r",
        status=status,
        reason="",
        head=head,
        head_parameters=parameters,
        window_s=30.0,
    )
    return Subject(Candidate(id="org/model"), verification, Path())


def test_a_rebuilt_head_is_loaded_and_keyed_as_it_was_verified() -> None:
    repaired = subject(Status.REPAIRED, "dense-out", pooling="max", activation="relu")
    assert repaired.head == {"kind": "dense-out", "pooling": "max", "activation": "relu"}
    assert subject(Status.USABLE, "standard").head is None
    tanh = subject(Status.REPAIRED, "dense-out", pooling="max", activation="tanh")
    assert repaired.setup(Engine()).key != tanh.setup(Engine()).key


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_computed_today_is_not_stale_whatever_computed_it(backend: str, tmp_path: Path) -> None:
    setup = subject(Status.USABLE, "standard").setup(Engine(backend=backend))
    answer = Prediction(clip_hash="c", logits=None, windows=1, failure="It is too short.", seconds=0.1)
    store = PredictionStore(tmp_path)
    store.add(setup, [answer])
    assert [entry.stale for entry in list_cache(tmp_path).entries] == [None]
    if CONVERSION in setup.versions:
        store.add(setup.model_copy(update={"versions": setup.versions | {CONVERSION: "0"}}), [answer])
        reasons = {entry.stale for entry in list_cache(tmp_path).entries} - {None}
        assert reasons == {f"made with conversion 0; now {setup.versions[CONVERSION]}"}


def test_the_copied_head_of_the_demo_runs_and_answers_as_it_was_trained_to(tmp_path: Path) -> None:
    outcome = benchmark.run(
        "demo",
        models=["wav2vec2-foreign-head"],
        limit=28,
        latency_seconds=0,
        output=tmp_path / "reports",
        settings=Settings(cache=tmp_path / "bench"),
    )
    row = next(row for row in outcome.leaderboard.rows if row.corpus == "demo")
    assert (row.candidate, row.head) == ("wav2vec2-foreign-head", "dense-out")
    assert "repaired" in row.flags
    assert row.uar == pytest.approx(0.75, abs=0.3)
    evaluation = outcome.record.evaluations[0]
    assert evaluation.setup.head_parameters == {"pooling": "mean", "activation": "tanh"}
    assert evaluation.log == "logs/" + Path(evaluation.log or "").name
