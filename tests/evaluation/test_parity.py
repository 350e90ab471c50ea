import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.emotions.label_map import LabelMap
from benchmark.evaluation.context import RunContext
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.parity import Decisions, EngineRejectedError, ParityTest, rerun_margin, stratified
from benchmark.evaluation.sessions import Implementation
from benchmark.models.backends.protocol import Engine
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from tests.support.audio import shared_reader
from tests.support.evaluations import TORCH, Run, forbid_workers
from tests.support.lost_workers import end_workers

LABELS = ("happy", "joy", "sad", "x1")
VERIFICATION = Verification(
    candidate="a",
    id="a",
    status=Status.USABLE,
    reason="",
    labels=LABELS,
    emotions=("happiness", "happiness", "sadness", None),
)


def logits(*rows: tuple[float, ...]) -> NDArray[np.float64]:
    return np.log(np.array(rows, dtype=np.float64))


def test_the_margin_is_that_of_the_reading_in_which_the_answers_are_closest() -> None:
    decisions = Decisions.of(VERIFICATION, ())
    shares = logits((0.25, 0.21, 0.45, 0.09), (0.6, 0.1, 0.2, 0.1))
    # As labels 0.45 against 0.25, as emotions 0.46 against 0.45; then 0.6 against 0.2, and 0.7 against 0.2.
    np.testing.assert_allclose(decisions.margins(shares), [0.01, 0.4], atol=1e-12)


def test_merges_of_the_corpora_are_readings_too() -> None:
    merged = Decisions.of(VERIFICATION, [{"sadness": "happiness"}, {}])
    assert len(merged.label_maps) == 2
    assert merged.label_maps[1] == LabelMap(LABELS, ("happiness", "happiness", "happiness", None))


def test_no_answer_can_change_where_the_margin_is_more_than_twice_the_difference() -> None:
    random = np.random.default_rng(0)
    decisions = Decisions.of(VERIFICATION, ({},))
    for _ in range(300):
        one = random.normal(0, 0.3, (1, 4))
        other = one + random.normal(0, 0.05, (1, 4))
        difference = decisions.difference(one, other)
        for mine, theirs in zip(decisions.probabilities(one), decisions.probabilities(other), strict=True):
            if decisions.margins(one)[0] > 2 * difference:
                assert mine.argmax() == theirs.argmax()


def test_the_threshold_is_twice_what_the_protocol_asks_for_and_never_nothing() -> None:
    assert rerun_margin(1e-3) == pytest.approx(2 * 2e-3)
    assert rerun_margin(0.0) > 0


def test_clips_are_chosen_from_the_shortest_to_the_longest() -> None:
    durations = {f"{index:03}": float(index) for index in range(100)}
    chosen = stratified(durations, 32)
    assert (chosen[0], chosen[-1], len(set(chosen))) == ("000", "099", 32)
    gaps = np.diff([durations[clip] for clip in chosen])
    assert gaps.max() <= 4
    assert stratified(dict(reversed(durations.items())), 32) == chosen
    assert stratified({}, 32) == ()


@pytest.mark.parametrize(("method", "calls"), [("convert", (0, 1)), ("load", (1, 3))])
def test_a_worker_that_is_killed_twice_in_a_parity_test_costs_the_faster_engine_in_this_run_only(
    run: Callable[..., Run],
    converted: tuple[Path, Run],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    method: str,
    calls: tuple[int, int],
) -> None:
    with monkeypatch.context() as context:
        end_workers(context, method, calls=calls[:1])
        once = run(empty=True)
    assert (once.inference.fallbacks, once.same_as(converted[1])) == ((), True)
    shutil.rmtree(tmp_path / "cache")
    with monkeypatch.context() as context:
        end_workers(context, method, calls=calls)
        fell_back = run(empty=True)
    assert fell_back.record.setup.backend == "torch"
    assert len(fell_back.answers) == 11
    assert "SIGKILL" in fell_back.inference.fallbacks[0]
    assert run().record.setup.backend == "openvino"  # the next run tries again


def openvino_test(subject: Subject, cache: Path, converted: Path) -> ParityTest:
    context = RunContext(
        clips=ClipSet({}, {}),
        reader=shared_reader(),
        options=TORCH,
        store=PredictionStore(cache),
        settings=Settings(cache=cache),
        threads=1,
    )
    implementation = Implementation(Engine(backend="openvino"), converted)
    return ParityTest(
        subject=subject, implementation=implementation, setup="", decisions=Decisions(()), context=context
    )


def test_nothing_is_converted_into_a_folder_behind_a_link(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_workers(monkeypatch)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "model").symlink_to(tmp_path)
    test = openvino_test(
        subjects["hubert"], tmp_path / "cache", tmp_path / "cache" / "model" / "converted" / "openvino"
    )
    with pytest.raises(EngineRejectedError, match="behind a link"):
        test.run({}, None)
    assert not (tmp_path / "converted").exists()


def test_nothing_is_converted_or_compared_once_the_user_has_interrupted(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_workers(monkeypatch)
    test = openvino_test(subjects["hubert"], tmp_path, tmp_path / "model")
    test.context.stop.set()
    with pytest.raises(EngineRejectedError, match="the run was interrupted") as refused:
        test.run({}, None)
    assert not refused.value.lasting
