from pathlib import Path

import pytest

import benchmark
from benchmark.evaluation.eligibility import Subject, select_subjects
from benchmark.hub.client import Hub
from benchmark.models.backends.protocol import BACKENDS, Engine
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.cache_listing import list_cache
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import CONVERSION, Prediction
from benchmark.results.status import Status, Verdict
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


def test_a_candidate_that_cannot_be_fetched_again_is_missing_from_the_run(tmp_path: Path) -> None:
    known = subject(Status.USABLE, "standard").verification.model_copy(update={"emotions": ("anger", "joy")})
    hub = Hub(offline=True, cache=tmp_path)
    registry = Registry(title="t", candidates=(Candidate(id="org/model"),))
    selection = select_subjects(registry, [known], min_emotions=2, hub=hub, progress=Silent())
    (verification,) = selection.verifications
    assert selection.subjects == ()
    assert verification.incomplete
    assert verification.verdict is not Verdict.USABLE
    assert "was not fetched again: " in verification.reason
    assert selection.ineligible == {registry.candidates[0].name: verification.reason}


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
