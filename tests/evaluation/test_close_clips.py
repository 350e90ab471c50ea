"""Answers that a faster engine leaves open: they are the next engine's own, or the reference's."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from benchmark.corpora.audio_reader import ClipWindow
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation import parity, plan, runner
from benchmark.evaluation.close_clips import ClipPass
from benchmark.evaluation.context import Overwrite, RunContext
from benchmark.evaluation.decoding import ClipSet, decode_corpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.plan import EngineStatus, InferencePlan, PlannedEngine
from benchmark.evaluation.runner import CandidateRun, InferenceRunner
from benchmark.evaluation.sessions import AnsweredWindow, Implementation, ModelSession
from benchmark.models.backends.openvino_backend import computes_in
from benchmark.models.backends.protocol import Engine
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Silent
from benchmark.results.inference_record import ParityCheck
from benchmark.results.prediction_store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Returned, TimedOut
from tests.support.audio import shared_reader
from tests.support.evaluations import (
    ALWAYS,
    FAST,
    RATE,
    TORCH,
    Exchange,
    Run,
    around_exchange,
    forbid_workers,
    kill_workers_of,
    watch_engines,
)


@pytest.fixture
def all_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every answer be close."""
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)


def test_close_answers_are_the_reference_s_own(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = run(options=TORCH, empty=True)
    margins = {
        name: float(np.diff(np.sort(softmax(answer.logits.astype(np.float64)))[-2:])[0])
        for name, answer in exact.answers.items()
        if answer.logits is not None
    }
    middle = float(np.median(list(margins.values())))
    monkeypatch.setattr(plan, "rerun_margin", lambda _: middle)
    engines = watch_engines(monkeypatch)
    fast = run()
    close = {name for name, margin in margins.items() if margin < middle}
    for name in close:
        assert np.array_equal(fast.answers[name].logits, exact.answers[name].logits)  # type: ignore[arg-type]
    assert fast.inference.redone_clips >= len(close)
    assert engines.count("openvino float32") == 12  # one has two windows, and the one too short is computed, too
    assert "torch float32" not in engines  # its answers were in the store


@pytest.mark.usefixtures("all_close")
def test_what_is_computed_again_is_rerun_again(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = run(options=TORCH)
    engines = watch_engines(monkeypatch)
    rerun = run()
    assert rerun.inference.redone_clips == 10
    assert rerun.same_as(exact)
    assert engines.count("torch float32") == 0  # its answers were in the store
    assert run(options=ALWAYS).inference.redone_clips == 10
    assert engines.count("torch float32") == 11


@pytest.mark.usefixtures("all_close")
def test_a_clip_that_differs_too_much_when_it_is_rerun_ends_the_faster_engine(
    run: Callable[..., Run], tmp_path: Path, converted: tuple[Path, Run]
) -> None:
    run(options=TORCH)
    cache, setup = tmp_path / "cache", converted[1].record.setup
    check = ParityCheck.load(cache, setup)
    assert check is not None
    check.model_copy(update={"allowed": 0.0, "largest_difference": -1.0, "model": None}).save(cache, setup)
    ended = run()
    assert (ended.record.setup.backend, ended.record.failure) == ("torch", None)
    assert len(ended.answers) == 11


@pytest.mark.usefixtures("all_close")
def test_stored_answers_that_cannot_be_rerun_are_a_failure_and_are_rerun_by_the_next_run(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        kill_workers_of("torch float32", context)
        failed = run()
    assert "SIGKILL" in (failed.record.failure or "")
    assert failed.record.log is not None
    healed = run()
    assert (healed.record.failure, healed.inference.redone_clips) == (None, 10)


@pytest.mark.usefixtures("all_close")
def test_a_clip_that_is_away_while_it_is_rerun_is_computed_by_the_next_run(
    run: Callable[..., Run], recordings: tuple[Clip, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = InferenceRunner._compute
    source = recordings[1].audio
    assert isinstance(source, AudioFile)
    away = source.path.with_suffix(".away")

    def without_it(self: InferenceRunner, passes: list[ClipPass], *arguments: Any, **options: Any) -> dict[str, str]:
        if not passes[0].engine.is_reference:
            return compute(self, passes, *arguments, **options)
        source.path.rename(away)
        try:
            return compute(self, passes, *arguments, **options)
        finally:
            away.rename(source.path)

    with monkeypatch.context() as context:
        context.setattr(InferenceRunner, "_compute", without_it)
        partly = run()
    lost = partly.result.corpora[0].clips[1]
    assert (lost.failure or "").startswith("It was readable when the run began")
    assert sum(answer.logits is not None for answer in partly.answers.values()) == 9
    assert run().same_as(run(options=TORCH))


def test_a_clip_on_which_only_the_faster_engine_fails_is_the_reference_s(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[dict[str, Any]] = []

    def out_of_memory_once(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        answer = exchange()
        if failed or str(session.implementation.engine) != "openvino float32":
            return answer
        if not isinstance(answer, Returned) or not answer.value:
            return answer
        failed.append({"out_of_memory": [None, None, "bad allocation"]})
        return Returned([*failed, *answer.value[1:]])

    with monkeypatch.context() as context:
        around_exchange(context, out_of_memory_once)
        fast = run(options=ALWAYS)
    assert failed
    assert (fast.inference.backend, fast.inference.redone_clips, fast.record.failure) == ("openvino", 1, None)
    assert fast.same_as(run(options=TORCH), within=1e-5)
    forbid_workers(monkeypatch)
    assert run().same_as(fast)


@pytest.fixture
def open_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bfloat16 leave every answer open, and float32 none."""
    if not computes_in("bfloat16"):
        pytest.skip("this processor does not compute in bfloat16")
    monkeypatch.setattr(plan, "rerun_margin", lambda difference: 1.1 if difference > 1e-5 else 1e-9)


@pytest.mark.usefixtures("open_in_bfloat16")
def test_what_bfloat16_leaves_open_is_rerun_in_float32_once(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = run()
    with monkeypatch.context() as context:
        engines = watch_engines(context)
        fast = run(options=replace(FAST, overwrite=Overwrite.ALWAYS))
    assert (fast.inference.dtype, fast.inference.redone_clips) == ("bfloat16", 10)
    assert fast.same_as(exact)
    assert (engines.count("openvino bfloat16"), engines.count("openvino float32")) == (12, 11)
    assert "torch float32" not in engines
    forbid_workers(monkeypatch)
    second = run(options=FAST)
    assert second.same_as(fast)
    assert second.inference.redone_clips == 10


@pytest.mark.usefixtures("open_in_bfloat16")
@pytest.mark.parametrize(("pays_from", "finer"), [(11, "torch float32"), (10, "openvino float32")])
def test_float32_is_compared_for_what_is_left_open_where_that_pays(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pays_from: int, finer: str
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", pays_from)
    engines = watch_engines(monkeypatch)
    assert run(options=FAST, empty=True).inference.redone_clips == 10
    assert set(engines) == {"openvino bfloat16", finer}
    checked = {path.name.split("-")[1] for path in (tmp_path / "cache").rglob("*.parity.json")}
    assert checked == {"bfloat16"} | ({"float32"} if pays_from == 10 else set())


class Simulated:
    """A candidate whose engines are simulated: a plan of bfloat16, float32 and torch, and how far each is off.

    The probability of the first of two answers to clip `i` of ten is 0.5 + i / 100 in the reference; an engine adds its
    error to that, float32 another one where a clip has its own.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, subject: Subject, clips: ClipSet, cache: Path) -> None:
        self.errors = {"bfloat16": 0.0, "float32": 0.0}
        self.own_errors: dict[str, float] = {}
        self.ends: set[str] = set()
        self.computed: list[tuple[str, str]] = []
        self.names = list(clips.audio)
        self.exact = [0.5 + index / 100 for index in range(len(self.names))]
        labels = {"labels": ("sad", "angry"), "emotions": ("sadness", "anger")}
        self.subject = replace(subject, verification=subject.verification.model_copy(update=labels))
        settings = Settings(cache=cache)
        self.context = RunContext(
            clips=clips,
            reader=shared_reader(),
            options=TORCH,
            store=PredictionStore(cache),
            settings=settings,
            threads=1,
        )
        monkeypatch.setattr(runner, "ModelSession", self.session)

    def plan(self, **differences: float) -> InferencePlan:
        """Give a plan whose engines have passed with these differences."""
        decisions = parity.Decisions.of(self.subject.verification, ())
        engines = []
        for dtype, difference in differences.items():
            engine = Engine(backend="openvino", dtype=dtype)
            setup = self.subject.setup(engine)
            check = ParityCheck(
                setup=setup.key,
                model="same",
                decisions=(decisions.key,),
                clips=tuple(self.names),
                compared=10,
                largest_difference=difference,
                allowed=0.02,
            )
            engines.append(PlannedEngine(engine, setup, check=check, status=EngineStatus.PASSED))
        reference = PlannedEngine(Engine(), self.subject.setup(Engine()), status=EngineStatus.PASSED)
        return InferencePlan(self.subject, self.context, decisions, [*engines, reference])

    def run(self, inference_plan: InferencePlan) -> CandidateRun:
        self.computed.clear()
        with Silent().stage("", total=None) as stage:
            return InferenceRunner(inference_plan).run(stage)

    def answers(self, result: CandidateRun) -> list[float]:
        """The stored probabilities of the first answer, in the order of the clips."""
        assert not result.failures
        stored = result.passes[0].stored()
        return [float(softmax(np.asarray(stored[name].logits, np.float64))[0]) for name in self.names]

    def clips_of(self, engine: str) -> list[int]:
        return sorted(self.names.index(name) for computed_by, name in self.computed if computed_by == engine)

    def session(self, subject: Subject, implementation: Implementation, **_: Any) -> "SimulatedSession":
        return SimulatedSession(self, implementation.engine)


class SimulatedSession:
    """Stands for a worker."""

    def __init__(self, simulated: Simulated, engine: Engine) -> None:
        self.simulated, self.engine = simulated, engine

    def __enter__(self) -> "SimulatedSession":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        """Nothing runs."""

    def load(self) -> LoadReport:
        return LoadReport(
            architecture="", model_type="", labels=("sad", "angry"), multi_label=False, parameters=1, dtype="",
            device="cpu", attention=None, sampling_rate=RATE, window_s=30.0, fixed_window=False, seconds=0.0,
        )  # fmt: skip

    def answers(self, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        simulated = self.simulated
        for window in windows:
            if window.samples is None:
                yield AnsweredWindow(window, None)
                continue
            if str(self.engine) in simulated.ends:
                yield AnsweredWindow(window, None, end=TimedOut(1.0))
                return
            simulated.computed.append((str(self.engine), window.clip_hash))
            first = simulated.exact[simulated.names.index(window.clip_hash)]
            if not self.engine.is_reference:
                own = simulated.own_errors if self.engine.dtype == "float32" else {}
                first += own.get(window.clip_hash, simulated.errors[self.engine.dtype])
            logits = np.log(np.array([first, 1 - first], dtype=np.float32))
            seconds = 1.0 + len(simulated.computed)
            yield AnsweredWindow(window, Returned({"logits": logits, "seconds": seconds}))


@pytest.fixture
def simulated(
    monkeypatch: pytest.MonkeyPatch, subjects: dict[str, Subject], recordings: tuple[Clip, ...], tmp_path: Path
) -> Simulated:
    ten = (*recordings[:9], recordings[10])
    corpus = Corpus(name="ten", source="", clips=ten, available_clips=10)
    clips = ClipSet.of([decode_corpus(corpus, shared_reader(), Silent())])
    return Simulated(monkeypatch, subjects["hubert"], clips, tmp_path / "simulated")


def test_what_bfloat16_leaves_open_goes_to_float32_and_what_that_leaves_open_to_the_reference(
    simulated: Simulated,
) -> None:
    simulated.errors = {"bfloat16": 0.01, "float32": 0.002}
    # The margins are 0.04 and 0.008: with an error of 0.01, clips up to 0 are below the first; up to 2, the second.
    result = simulated.run(simulated.plan(bfloat16=0.01, float32=0.002))
    assert simulated.clips_of("openvino bfloat16") == list(range(10))
    assert simulated.clips_of("openvino float32") == [0]
    assert simulated.clips_of("torch float32") == [0]
    assert np.allclose(simulated.answers(result), [0.5, *(exact + 0.01 for exact in simulated.exact[1:])], atol=1e-6)
    assert result.rerun_clips == 1
    simulated.run(simulated.plan(bfloat16=0.01, float32=0.002))
    assert simulated.computed == []


@pytest.mark.parametrize("overwrite", [Overwrite.MISSING, Overwrite.ALWAYS])
def test_a_larger_difference_makes_further_clips_close_until_none_is(
    simulated: Simulated, overwrite: Overwrite
) -> None:
    simulated.context = replace(simulated.context, options=replace(TORCH, overwrite=overwrite))
    simulated.errors = {"bfloat16": -0.015, "float32": 0.0}
    inference_plan = simulated.plan(bfloat16=0.004, float32=0.0)
    answers = simulated.answers(simulated.run(inference_plan))
    # At first only what seems to be within 0.016 of a tie; the error found there puts the margin at 0.06.
    assert simulated.clips_of("openvino float32") == [0, 1, 2, 3, 4]
    assert simulated.clips_of("torch float32") == [0]  # a tie, whatever computes
    assert np.allclose(answers[:5], simulated.exact[:5], atol=1e-6)
    assert inference_plan.engines[0].margin == pytest.approx(0.06, abs=1e-5)


def test_float32_that_differs_more_than_before_leaves_more_to_the_reference(simulated: Simulated) -> None:
    simulated.own_errors = {simulated.names[0]: 0.01}
    inference_plan = simulated.plan(bfloat16=0.02, float32=0.006)
    answers = simulated.answers(simulated.run(inference_plan))
    assert simulated.clips_of("openvino float32") == [0, 1, 2, 3]  # below 0.08
    assert simulated.clips_of("torch float32") == [0, 1]  # below 0.024, and then below 0.04
    assert inference_plan.engines[1].margin == pytest.approx(0.04, abs=1e-5)
    assert np.allclose(answers, simulated.exact, atol=1e-6)


@pytest.mark.parametrize("overwrite", [Overwrite.MISSING, Overwrite.ALWAYS])
@pytest.mark.parametrize("fails", ["worker", "parity"])
def test_where_float32_fails_the_reference_computes_all_close_clips(
    simulated: Simulated, fails: str, overwrite: Overwrite
) -> None:
    simulated.context = replace(simulated.context, options=replace(TORCH, overwrite=overwrite))
    if fails == "worker":
        simulated.ends = {"openvino float32"}
    else:
        simulated.own_errors = {simulated.names[3]: -0.03}  # a tie there, and more than is allowed
    inference_plan = simulated.plan(bfloat16=0.02, float32=0.0)
    answers = simulated.answers(simulated.run(inference_plan))
    assert [planned.status for planned in inference_plan.engines] == ["passed", "failed", "passed"]
    assert simulated.clips_of("torch float32") == [0, 1, 2, 3]  # below 0.08
    assert np.allclose(answers, simulated.exact, atol=1e-6)


def test_a_reference_that_ends_leaves_close_answers_out_of_the_store(simulated: Simulated) -> None:
    simulated.ends = {"torch float32"}
    result = simulated.run(simulated.plan(bfloat16=0.01, float32=0.004))
    assert list(result.failures.values()) == ["Its worker ended in the middle of the run: no answer within 1 s."]
    stored = result.passes[0].stored()
    assert [index for index, name in enumerate(simulated.names) if name not in stored] == [0]
