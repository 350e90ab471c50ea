"""A run with faster engines: converted, compared with torch, and no decision of their own."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation import parity, plan, runner
from benchmark.evaluation.close_clips import ClipPass
from benchmark.evaluation.decoding import ClipSet, ClipWindow, decode_corpus
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.evaluate import Evaluated, Evaluation, RunOptions
from benchmark.evaluation.plan import EngineStatus, InferencePlan, Overwrite, PlannedEngine, RunContext
from benchmark.evaluation.runner import InferenceRunner
from benchmark.evaluation.sessions import AnsweredWindow, Implementation, ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.openvino_backend import computes_in
from benchmark.models.backends.protocol import Engine
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.reports import LoadReport
from benchmark.progress import Silent
from benchmark.results.environment import Environment
from benchmark.results.inference import InferenceRecord, ParityCheck
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised, Returned, TimedOut
from benchmark.workers.worker import Worker
from tests.support.tiny_models import write_tiny

SetUp = Callable[..., Evaluation]
RATE = 16_000
OPENVINO = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="openvino"))
TORCH = RunOptions(latency_budget_s=0)
AUTO = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="auto"))
FAST = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="openvino", fast=True))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Twelve recordings of all lengths, one of two windows, one too short for the model, and one that is no audio."""
    folder = tmp_path_factory.mktemp("twelve")
    random = np.random.default_rng(3)
    clips = []
    for index, seconds in enumerate((0.03, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.3, 31.5, 0.01, 0.0)):
        path = folder / f"{index}.wav"
        soundfile.write(path, random.normal(0, 0.1, int(seconds * RATE)), RATE)
        clips.append(Clip(name=path.name, audio=AudioFile(path)))
    (folder / "11.wav").write_bytes(b"no audio")
    return Corpus(name="twelve", source="", clips=tuple(clips), available_clips=12)


@pytest.fixture(scope="session")
def cache(
    subjects: dict[str, Subject], corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Evaluated]]:
    """A cache in which one candidate was run with OpenVINO, with what that run brought; copied, never changed."""
    yield from _made(subjects, corpus, tmp_path_factory.mktemp("cache"))


def _made(subjects: dict[str, Subject], corpus: Corpus, folder: Path) -> Iterator[tuple[Path, Evaluated]]:
    evaluation = Evaluation(
        subjects=(subjects["hubert"],),
        corpora=[corpus],
        devices=("cpu",),
        options=OPENVINO,
        settings=Settings(cache=folder),
        store=PredictionStore(folder),
        environment=Environment.here(),
    )
    yield folder, evaluation.run(Silent())


@pytest.fixture
def run(
    subjects: dict[str, Subject], corpus: Corpus, cache: tuple[Path, Evaluated], tmp_path: Path
) -> Callable[..., "Ran"]:
    """Give a function that runs the candidate in a copy of that cache, or in an empty one."""

    def ran(
        *,
        options: RunOptions = OPENVINO,
        kept: slice = slice(12),
        empty: bool = False,
        merge: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> "Ran":
        folder = tmp_path / "cache"
        if not folder.exists() and not empty:
            shutil.copytree(cache[0], folder)
        evaluation = Evaluation(
            subjects=(subjects["hubert"],),
            corpora=[replace(corpus, clips=corpus.clips[kept], merge=dict(merge or {}))],
            devices=("cpu",),
            options=options,
            settings=Settings(cache=folder, **settings),
            store=PredictionStore(folder),
            environment=Environment.here(),
        )
        return Ran(evaluation, evaluation.run(Silent()))

    return ran


class Ran:
    """What a run has brought."""

    def __init__(self, evaluation: Evaluation, result: Evaluated) -> None:
        (self.record,) = result.evaluations
        stored = evaluation.store.read(self.record.setup)
        hashes = {clip.clip: clip.clip_hash for clip in result.corpora[0].clips}
        self.answers: dict[str, Prediction] = {
            name: stored[found] for name, found in hashes.items() if found is not None and found in stored
        }
        self.result = result
        assert self.record.inference is not None
        self.inference: InferenceRecord = self.record.inference

    def same_as(self, other: "Ran", *, within: float = 0.0) -> bool:
        if self.answers.keys() != other.answers.keys():
            return False
        pairs = [(one.logits, other.answers[name].logits) for name, one in self.answers.items()]
        return all(
            (one is None and two is None) or (one is not None and two is not None and np.abs(one - two).max() <= within)
            for one, two in pairs
        )


Exchange = Callable[[], Answer]


def around_exchange(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[ModelSession, list[Any], Exchange], Answer]
) -> None:
    """Do something around every exchange with a worker that computes clips of the run; parity tests are left alone."""

    class Watched(runner.ModelSession):  # type: ignore[name-defined,misc] # whatever another call has put there
        def exchange(self, windows: Any, most_pending: int) -> Answer:
            return act(self, windows, lambda: super(Watched, self).exchange(windows, most_pending))

    monkeypatch.setattr(runner, "ModelSession", Watched)


def watch_engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the engines that compute clips from now on, once for each window."""
    engines: list[str] = []

    def watched(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        engines.extend(str(session.implementation.engine) for _ in windows)
        return exchange()

    around_exchange(monkeypatch, watched)
    return engines


def kill_workers_of(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the worker of an engine whenever it is sent windows or asked for answers."""

    def killed(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        if str(session.implementation.engine) == engine:
            os.kill(session._worker.pid or 0, signal.SIGKILL)
        return exchange()

    around_exchange(monkeypatch, killed)


def converted_in(cache: Path) -> Path:
    (found,) = [path.parent for path in cache.rglob("converted.json")]
    return found


def check_in(cache: Path) -> Path:
    (found,) = cache.rglob("*.parity.json")
    return found


def forbid_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(Worker, "call", refuse)


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_workers(monkeypatch)


def test_a_run_with_openvino_answers_as_one_with_torch_and_says_how_close(run: Callable[..., Ran]) -> None:
    fast, exact = run(), run(options=TORCH)
    assert (fast.record.setup.backend, exact.record.setup.backend) == ("openvino", "torch")
    assert "openvino" in fast.record.setup.versions
    assert fast.record.failure is None
    assert fast.same_as(exact, within=3e-6)
    assert fast.answers["9.wav"].windows == 2
    assert "needs at least 400" in (fast.answers["10.wav"].failure or "")
    inference = fast.inference
    assert (inference.asked, inference.backend, inference.dtype, inference.fallbacks) == (
        "openvino",
        "openvino",
        "float32",
        (),
    )
    assert inference.checked_clips == 10  # all but the one too short
    assert 0 <= (inference.largest_difference or 0) < 3e-6
    assert (inference.conversion_s or 0) > 0


@pytest.mark.usefixtures("no_worker")
def test_a_second_run_starts_no_worker(run: Callable[..., Ran]) -> None:
    options = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="openvino"), find_speech=False)
    assert len(run(options=options).answers) == 11


def test_a_corpus_that_grew_costs_its_new_clips_and_no_second_conversion(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(kept=slice(4), empty=True)
    assert (before.inference.backend, before.inference.fallbacks) == ("openvino", ())
    asked: list[int] = []

    def counted(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        asked.extend(window.size for window in windows)
        return exchange()

    around_exchange(monkeypatch, counted)
    after = run(kept=slice(6))
    assert asked == [round(0.8 * RATE), round(0.7 * RATE)], after.inference  # the longest first
    assert after.inference.checked_clips == 6
    assert after.inference.conversion_s == before.inference.conversion_s


@pytest.mark.parametrize("compared", [False, True])
def test_a_wrong_model_in_the_cache_is_caught_and_torch_answers(
    run: Callable[..., Ran], tmp_path: Path, compared: bool
) -> None:
    exact = run(options=TORCH)
    folder = converted_in(tmp_path / "cache")
    other = load_checkpoint(write_tiny("hubert", tmp_path / "other", seed=1))
    shutil.rmtree(folder)
    assert convert(other, "openvino", folder)  # whole, and wrong
    if not compared:  # else what was found about the right one still stands beside it
        check_in(tmp_path / "cache").unlink()
    fell_back = run(options=replace(OPENVINO, overwrite=Overwrite.ALWAYS))
    assert fell_back.record.setup.backend == "torch"
    assert fell_back.record.failure is None
    assert fell_back.same_as(exact)
    (reason,) = fell_back.inference.fallbacks
    assert reason.startswith("openvino float32 was not taken: on 10 clips its probabilities differ")
    assert reason.endswith("and 1e-03 is allowed.")
    assert run().inference.fallbacks == (reason,)  # known without trying again


@pytest.mark.parametrize("harm", ["gone", "cut off"])
def test_a_converted_model_that_is_not_whole_is_made_again(
    run: Callable[..., Ran], cache: tuple[Path, Evaluated], tmp_path: Path, harm: str
) -> None:
    run()
    folder = converted_in(tmp_path / "cache")
    if harm == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:-8])
    always = replace(OPENVINO, overwrite=Overwrite.ALWAYS)
    again = run(options=always)
    assert again.record.failure is None
    assert again.record.setup.backend == "openvino"
    assert ConvertedModel.open(folder) is not None


def test_close_answers_are_the_reference_s_own(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = run(options=TORCH, empty=True)
    margins = {
        name: float(np.diff(np.sort(softmax(one.logits))[-2:])[0])
        for name, one in exact.answers.items()
        if one.logits is not None
    }
    middle = float(np.median(list(margins.values())))
    monkeypatch.setattr(plan, "rerun_margin", lambda _: middle)
    asked = watch_engines(monkeypatch)
    fast = run()
    close = {name for name, margin in margins.items() if margin < middle}
    for name in close:
        assert np.array_equal(fast.answers[name].logits, exact.answers[name].logits)  # type: ignore[arg-type]
    assert fast.inference.redone_clips >= len(close)
    assert asked.count("openvino float32") == 12  # one has two windows, and the one too short is asked about, too
    assert "torch float32" not in asked  # its answers were in the store


def softmax(logits: Any) -> Any:
    shares = np.exp(logits.astype(np.float64))
    return shares / shares.sum()


def test_a_model_whose_answers_are_mostly_close_is_left_to_the_reference(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "rerun_margin", lambda _: 1.1)
    undecided = run(empty=True, kept=slice(3))
    assert undecided.record.setup.backend == "torch"
    (reason,) = undecided.inference.fallbacks
    assert reason.startswith("openvino float32 was not taken: of 3 clips, 3 would have to be done again")


def test_stored_answers_that_turn_out_close_are_done_again(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    assert first.inference.redone_clips == 0
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    again = run()
    exact = run(options=TORCH)
    assert again.inference.redone_clips == 10
    assert again.same_as(exact)


def test_a_clip_that_differs_too_much_when_it_is_done_again_ends_the_faster_way(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setup = run().record.setup
    check = ParityCheck.load(tmp_path / "cache", setup)
    assert check is not None
    check.model_copy(update={"allowed": 0.0, "largest_difference": -1.0, "model": None}).save(tmp_path / "cache", setup)
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    ended = run()
    assert ended.record.setup.backend == "torch"
    assert ended.record.failure is None
    assert len(ended.answers) == 11


@pytest.mark.parametrize("moment", ["conversion", "comparison"])
def test_a_worker_that_is_killed_in_a_parity_test_costs_the_faster_engine_only(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    call, loaded = Worker.call, list[str]()

    def killed(self: Worker, name: str, *arguments: object, timeout_s: float) -> Answer:
        loaded.extend([name] if name == "load" else [])
        if (moment, name, len(loaded)) in {("conversion", "convert", 1), ("comparison", "exchange", 2)}:
            os.kill(self.pid or 0, signal.SIGKILL)
        return call(self, name, *arguments, timeout_s=timeout_s)

    with monkeypatch.context() as context:
        context.setattr(Worker, "call", killed)
        fell_back = run(options=replace(OPENVINO, find_speech=False), empty=True)
    assert fell_back.record.setup.backend == "torch"
    assert len(fell_back.answers) == 11
    assert "SIGKILL" in fell_back.inference.fallbacks[0]
    assert run().record.setup.backend == "openvino"  # the next run tries again


def test_a_worker_that_is_killed_in_the_middle_of_the_run_costs_its_engine_only(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not computes_in("bfloat16"):
        pytest.skip("this processor does not compute in bfloat16")
    kill_workers_of("openvino bfloat16", monkeypatch)
    fast = run(options=FAST)
    assert (fast.inference.backend, fast.inference.dtype, fast.record.failure) == ("openvino", "float32", None)
    (reason,) = fast.inference.fallbacks
    assert reason.startswith("openvino bfloat16 was not taken: its worker ended in the middle of the run: ")
    assert "SIGKILL" in reason
    assert reason.endswith(".")
    assert not reason.endswith("..")
    assert len(fast.answers) == 11


def test_what_is_computed_again_is_rerun_again(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    run(options=TORCH)
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    asked = watch_engines(monkeypatch)
    assert run().inference.redone_clips == 10
    assert asked.count("torch float32") == 0  # it was asked in the run before
    assert run(options=replace(OPENVINO, overwrite=Overwrite.ALWAYS)).inference.redone_clips == 10
    assert asked.count("torch float32") == 11


def test_a_run_that_is_interrupted_goes_on_with_the_same_answers(
    run: Callable[..., Ran], cache: tuple[Path, Evaluated], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = ModelSession.exchange
    calls: list[int] = []

    def interrupted(self: ModelSession, windows: Any, most_pending: int) -> Answer:
        calls.append(len(windows))
        if len(calls) == 9:
            signal.raise_signal(signal.SIGINT)
        return exchange(self, windows, most_pending)

    with monkeypatch.context() as context:
        context.setattr(ModelSession, "exchange", interrupted)
        first = run(empty=True)
    assert first.result.interrupted
    resumed = run(jobs=2)
    assert not resumed.result.interrupted
    whole = {record.setup.key for record in cache[1].evaluations}
    assert resumed.record.setup.key in whole
    assert len(resumed.answers) == 11


def test_threads_and_order_change_no_answer_by_a_bit(run: Callable[..., Ran], tmp_path: Path) -> None:
    before = run()
    always = replace(OPENVINO, overwrite=Overwrite.ALWAYS)
    assert run(options=always, jobs=64).same_as(before)


def test_auto_leaves_a_few_clips_to_torch_and_says_so(run: Callable[..., Ran]) -> None:
    few = run(options=AUTO, empty=True)
    assert few.record.setup.backend == "torch"
    assert "fewer than 128 clips" in (few.inference.note or "")


def test_auto_takes_openvino_where_it_pays_and_goes_on_with_torch_where_that_did_the_work(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 4)
    run(options=TORCH, empty=True)
    assert run(options=AUTO).inference.note == "torch has answered most of these clips before."


def test_auto_takes_openvino_where_it_pays(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 4)
    auto = RunOptions(latency_budget_s=1e-6, segment_s=0.3, engines=EngineChoice(backend="auto"))
    ran = run(options=auto)
    assert ran.record.setup.backend == "openvino"
    (timed,) = ran.result.latencies
    assert (timed.backend, timed.dtype, timed.failure) == ("openvino", "float32", None)


def test_fast_takes_bfloat16_where_the_processor_computes_in_it_and_float32_elsewhere(run: Callable[..., Ran]) -> None:
    fast = run(options=FAST)
    exact = run(options=TORCH)
    if computes_in("bfloat16"):
        assert (fast.inference.dtype, fast.inference.allowed) == ("bfloat16", 2e-2)
        assert 0 < (fast.inference.largest_difference or 0) < 2e-2
    else:
        assert fast.inference.dtype == "float32"
        assert "does not compute in bfloat16" in fast.inference.fallbacks[0]
    for name, one in fast.answers.items():
        if one.logits is not None:
            assert one.logits.argmax() == exact.answers[name].logits.argmax()  # type: ignore[union-attr]


@pytest.fixture
def open_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bfloat16 leave every answer open, and float32 none."""
    if not computes_in("bfloat16"):
        pytest.skip("this processor does not compute in bfloat16")
    monkeypatch.setattr(plan, "rerun_margin", lambda difference: 1.1 if difference > 1e-5 else 1e-9)


@pytest.mark.usefixtures("open_in_bfloat16")
def test_what_bfloat16_leaves_open_is_done_again_in_float32(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = run()
    asked = watch_engines(monkeypatch)
    fast = run(options=replace(FAST, overwrite=Overwrite.ALWAYS))
    assert (fast.inference.dtype, fast.inference.redone_clips) == ("bfloat16", 10)
    assert fast.same_as(exact)
    assert (asked.count("openvino bfloat16"), asked.count("openvino float32")) == (12, 11)
    assert "torch float32" not in asked


@pytest.mark.usefixtures("open_in_bfloat16")
def test_what_was_done_again_in_float32_is_not_done_again_in_the_next_run(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(options=FAST)
    forbid_workers(monkeypatch)
    second = run(options=FAST)
    assert second.same_as(first)
    assert second.inference.redone_clips == 10


@pytest.mark.skipif(not computes_in("bfloat16"), reason="this processor does not compute in bfloat16")
def test_what_float32_leaves_open_as_well_is_the_reference_s(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    fast, exact = run(options=FAST), run(options=TORCH)
    assert fast.inference.redone_clips == 10
    assert fast.same_as(exact)


@pytest.mark.usefixtures("open_in_bfloat16")
@pytest.mark.parametrize(("pays_from", "asked_again"), [(11, "torch float32"), (10, "openvino float32")])
def test_float32_is_compared_for_what_is_left_open_where_that_pays(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pays_from: int, asked_again: str
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", pays_from)
    asked = watch_engines(monkeypatch)
    assert run(options=FAST, empty=True).inference.redone_clips == 10
    assert set(asked) == {"openvino bfloat16", asked_again}
    checked = {path.name.split("-")[1] for path in (tmp_path / "cache").rglob("*.parity.json")}
    assert checked == {"bfloat16"} | ({"float32"} if pays_from == 10 else set())


@pytest.mark.usefixtures("open_in_bfloat16")
def test_where_the_worker_in_float32_ends_the_reference_goes_on(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_workers_of("openvino float32", monkeypatch)
    asked = watch_engines(monkeypatch)
    fast = run(options=replace(FAST, overwrite=Overwrite.ALWAYS))
    assert (fast.inference.dtype, fast.inference.redone_clips) == ("bfloat16", 10)
    assert asked.count("torch float32") == 11


def test_a_number_format_in_which_the_processor_does_not_compute_is_left_with_the_reason(
    run: Callable[..., Ran],
) -> None:
    if computes_in("float16"):
        pytest.skip("this processor computes in float16")
    half = run(options=RunOptions(latency_budget_s=0, engines=EngineChoice(backend="openvino", dtype="float16")))
    assert half.record.setup.backend == "torch"
    assert half.inference.fallbacks == ("openvino float16 was not taken: this processor does not compute in float16.",)


def test_torch_in_bfloat16_is_held_against_float32_as_any_other(run: Callable[..., Ran]) -> None:
    short = run(options=RunOptions(latency_budget_s=0, engines=EngineChoice(backend="torch", dtype="bfloat16")))
    assert (short.inference.backend, short.inference.dtype, short.inference.fallbacks) == ("torch", "bfloat16", ())
    assert 0 < (short.inference.largest_difference or 0) < 2e-2
    assert short.inference.conversion_s == 0


def test_onnx_runtime_answers_as_torch(run: Callable[..., Ran]) -> None:
    other = run(options=RunOptions(latency_budget_s=0, engines=EngineChoice(backend="onnxruntime")))
    assert other.record.setup.backend == "onnxruntime"
    assert other.same_as(run(options=TORCH), within=3e-6)


def test_a_clip_on_which_only_the_faster_engine_fails_is_the_reference_s(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
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
        fast = run(options=replace(OPENVINO, overwrite=Overwrite.ALWAYS))
    assert failed
    assert (fast.inference.backend, fast.inference.redone_clips, fast.record.failure) == ("openvino", 1, None)
    assert fast.same_as(run(options=TORCH), within=1e-5)
    forbid_workers(monkeypatch)
    assert run().same_as(fast)


def test_windows_that_cannot_be_exchanged_end_the_engine_and_change_no_answer(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def lose_one(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        answer = exchange()
        calls.append(1)
        if str(session.implementation.engine) == "openvino float32" and len(calls) == 8:
            return Raised(kind="RuntimeError", message="can't start new thread", outer="RuntimeError")
        return answer

    around_exchange(monkeypatch, lose_one)
    ran = run(options=replace(OPENVINO, overwrite=Overwrite.ALWAYS))
    assert "can't start new thread" in ran.inference.fallbacks[0]
    assert (ran.record.setup.backend, ran.record.failure) == ("torch", None)
    monkeypatch.undo()
    assert ran.same_as(run(options=TORCH))


def test_stored_answers_that_cannot_be_done_again_are_told_and_done_again_by_the_next_run(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    with monkeypatch.context() as context:
        kill_workers_of("torch float32", context)
        failed = run()
    assert failed.record.failure is not None
    assert "SIGKILL" in failed.record.failure
    assert failed.record.log is not None
    healed = run()
    assert (healed.record.failure, healed.inference.redone_clips) == (None, 10)


def test_a_clip_that_is_away_while_it_is_done_again_is_asked_about_by_the_next_run(
    run: Callable[..., Ran], corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = InferenceRunner._compute
    source = corpus.clips[1].audio
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

    monkeypatch.setattr(plan, "rerun_margin", lambda _: 1.1)
    with monkeypatch.context() as context:
        context.setattr(InferenceRunner, "_compute", without_it)
        partly = run()
    lost = partly.result.corpora[0].clips[1]
    assert (lost.failure or "").startswith("It was readable when the run began")
    assert sum(answer.logits is not None for answer in partly.answers.values()) == 9
    assert run().same_as(run(options=TORCH))


def test_latency_is_measured_with_the_engine_that_answered(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_workers_of("openvino float32", monkeypatch)
    ran = run(options=replace(OPENVINO, overwrite=Overwrite.ALWAYS, latency_budget_s=1e-6, segment_s=0.3))
    assert ran.record.setup.backend == "torch"
    assert [measured.backend for measured in ran.result.latencies] == ["torch"]


def test_other_merges_are_compared_anew_and_the_first_ones_are_not_forgotten(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compared: list[int] = []
    answers = ModelSession.answers

    def counted(self: ModelSession, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        for answered in answers(self, windows):
            compared.extend([] if self.implementation.engine.is_reference else [1])
            yield answered

    setup = run().record.setup
    with monkeypatch.context() as context:
        context.setattr(ModelSession, "answers", counted)
        run(merge={"sadness": "anger"})
    assert sum(compared) == 10
    check = ParityCheck.load(tmp_path / "cache", setup)
    assert check is not None
    assert (check.compared, len(check.decisions)) == (10, 2)
    forbid_workers(monkeypatch)
    assert run().inference.checked_clips == 10
    assert run(merge={"sadness": "anger"}).inference.checked_clips == 10


def test_a_converted_model_that_could_not_be_written_is_tried_again(run: Callable[..., Ran], tmp_path: Path) -> None:
    run()
    folder = check_in(tmp_path / "cache").parent
    shutil.rmtree(folder)
    folder.write_text("in the way", encoding="utf-8")
    refused = run()
    assert refused.record.setup.backend == "torch"
    assert refused.inference.fallbacks[0].startswith("openvino float32 was not taken: it cannot be converted")
    folder.unlink()
    assert run().record.setup.backend == "openvino"


def test_a_corpus_on_which_nothing_could_be_compared_rules_no_engine_out(run: Callable[..., Ran]) -> None:
    too_short = run(empty=True, kept=slice(10, 11))
    assert too_short.record.setup.backend == "torch"
    assert "there is no clip" in too_short.inference.fallbacks[0]
    assert run().record.setup.backend == "openvino"


def test_a_few_close_clips_rule_no_engine_out(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(parity, "rerun_margin", lambda _: 1.1)
        assert run(empty=True, kept=slice(2)).record.setup.backend == "torch"
    ran = run()
    assert (ran.record.setup.backend, ran.inference.checked_clips) == ("openvino", 10)


def test_auto_compares_nothing_for_a_few_clips_of_another_corpus(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 5)
    assert run(options=AUTO, empty=True, kept=slice(6)).record.setup.backend == "openvino"
    other = run(options=AUTO, kept=slice(6, 10))
    assert other.record.setup.backend == "torch"
    assert other.inference.note == plan.FEW_CLIPS


def test_nothing_is_converted_or_compared_once_the_user_has_interrupted(
    subjects: dict[str, Subject], tmp_path: Path, no_worker: None
) -> None:
    stop = threading.Event()
    stop.set()
    test = parity.ParityTest(
        subject=subjects["hubert"],
        implementation=Implementation(Engine(backend="openvino"), tmp_path / "model"),
        setup="",
        decisions=parity.Decisions(()),
        threads=1,
        settings=Settings(cache=tmp_path),
        stop=stop,
    )
    with pytest.raises(parity.EngineRejectedError, match="the run was interrupted") as refused:
        test.run({}, None)
    assert not refused.value.lasting


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
        verification = subject.verification.model_copy(
            update={"labels": ("sad", "angry"), "emotions": ("sadness", "anger")}
        )
        self.subject = replace(subject, verification=verification)
        self.context = RunContext(clips=clips, store=PredictionStore(cache), settings=Settings(cache=cache), threads=1)
        monkeypatch.setattr(runner, "ModelSession", self.session)

    def plan(self, **differences: float) -> InferencePlan:
        decisions = parity.Decisions.of(self.subject.verification, ())
        engines = [Engine(backend="openvino", dtype=dtype) for dtype in ("bfloat16", "float32")]
        planned = [PlannedEngine(engine, self.subject.setup(device="cpu", engine=engine)) for engine in engines]
        for one in planned:
            one.check = ParityCheck(
                setup=one.setup.key,
                model="same",
                decisions=(decisions.key,),
                clips=tuple(self.names),
                compared=10,
                largest_difference=differences[one.engine.dtype],
                allowed=0.02,
            )
            one.status = EngineStatus.PASSED
        reference = PlannedEngine(Engine(), self.subject.setup(device="cpu"), status=EngineStatus.PASSED)
        return InferencePlan(self.subject, self.context, decisions, [*planned, reference])

    def run(self, inference_plan: InferencePlan) -> list[float]:
        """Run the plan, and give the stored probabilities of the first answer, in the order of the clips."""
        self.computed.clear()
        with Silent().stage("", total=None) as stage:
            result = InferenceRunner(inference_plan).run(stage)
        assert not result.failures
        self.rerun_clips = result.rerun_clips
        stored = self.context.store.read(result.passes[0].setup)
        return [float(softmax(stored[name].logits)[0]) for name in self.names]

    def clips_of(self, engine: str) -> list[int]:
        return sorted(self.names.index(name) for one, name in self.computed if one == engine)

    def exact(self) -> list[float]:
        return [0.5 + index / 100 for index in range(len(self.names))]

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
            first = 0.5 + simulated.names.index(window.clip_hash) / 100
            if not self.engine.is_reference:
                own = simulated.own_errors if self.engine.dtype == "float32" else {}
                first += own.get(window.clip_hash, simulated.errors[self.engine.dtype])
            logits = np.log(np.array([first, 1 - first], dtype=np.float32))
            seconds = 1.0 + len(simulated.computed)
            yield AnsweredWindow(window, Returned({"logits": logits, "seconds": seconds}))


@pytest.fixture
def simulated(
    monkeypatch: pytest.MonkeyPatch, subjects: dict[str, Subject], corpus: Corpus, tmp_path: Path
) -> Simulated:
    clips = ClipSet.of([decode_corpus(replace(corpus, clips=(*corpus.clips[:9], corpus.clips[10])), Silent())])
    return Simulated(monkeypatch, subjects["hubert"], clips, tmp_path / "simulated")


def test_what_bfloat16_leaves_open_goes_to_float32_and_what_that_leaves_open_to_the_reference(
    simulated: Simulated,
) -> None:
    simulated.errors = {"bfloat16": 0.01, "float32": 0.002}
    # The margins are 0.04 and 0.008: with an error of 0.01, clips up to 0 are below the first; up to 2, the second.
    answers = simulated.run(simulated.plan(bfloat16=0.01, float32=0.002))
    assert simulated.clips_of("openvino bfloat16") == list(range(10))
    assert simulated.clips_of("openvino float32") == [0]
    assert simulated.clips_of("torch float32") == [0]
    assert np.allclose(answers, [0.5, *(exact + 0.01 for exact in simulated.exact()[1:])], atol=1e-6)
    assert simulated.rerun_clips == 1
    simulated.run(simulated.plan(bfloat16=0.01, float32=0.002))
    assert simulated.computed == []


@pytest.mark.parametrize("overwrite", [Overwrite.MISSING, Overwrite.ALWAYS])
def test_a_larger_difference_makes_further_clips_close_until_none_is(
    simulated: Simulated, overwrite: Overwrite
) -> None:
    simulated.context = replace(simulated.context, overwrite=overwrite)
    simulated.errors = {"bfloat16": -0.015, "float32": 0.0}
    inference_plan = simulated.plan(bfloat16=0.004, float32=0.0)
    answers = simulated.run(inference_plan)
    # At first only what seems to be within 0.016 of a tie; the error found there puts the margin at 0.06.
    assert simulated.clips_of("openvino float32") == [0, 1, 2, 3, 4]
    assert simulated.clips_of("torch float32") == [0]  # a tie, whatever computes
    assert np.allclose(answers[:5], simulated.exact()[:5], atol=1e-6)
    assert inference_plan.engines[0].margin == pytest.approx(0.06, abs=1e-5)


def test_float32_that_differs_more_than_before_leaves_more_to_the_reference(simulated: Simulated) -> None:
    simulated.errors = {"bfloat16": 0.0, "float32": 0.0}
    simulated.own_errors = {simulated.names[0]: 0.01}
    inference_plan = simulated.plan(bfloat16=0.02, float32=0.006)
    answers = simulated.run(inference_plan)
    assert simulated.clips_of("openvino float32") == [0, 1, 2, 3]  # below 0.08
    assert simulated.clips_of("torch float32") == [0, 1]  # below 0.024, and then below 0.04
    assert inference_plan.engines[1].margin == pytest.approx(0.04, abs=1e-5)
    assert np.allclose(answers, simulated.exact(), atol=1e-6)


@pytest.mark.parametrize("overwrite", [Overwrite.MISSING, Overwrite.ALWAYS])
@pytest.mark.parametrize("fails", ["worker", "parity"])
def test_where_float32_fails_the_reference_computes_all_close_clips(
    simulated: Simulated, fails: str, overwrite: Overwrite
) -> None:
    simulated.context = replace(simulated.context, overwrite=overwrite)
    if fails == "worker":
        simulated.ends = {"openvino float32"}
    else:
        simulated.own_errors = {simulated.names[3]: -0.03}  # a tie there, and more than is allowed
    inference_plan = simulated.plan(bfloat16=0.02, float32=0.0)
    answers = simulated.run(inference_plan)
    assert [planned.status for planned in inference_plan.engines] == ["passed", "failed", "passed"]
    assert simulated.clips_of("torch float32") == [0, 1, 2, 3]  # below 0.08
    assert np.allclose(answers, simulated.exact(), atol=1e-6)


def test_a_reference_that_ends_leaves_close_answers_out_of_the_store(simulated: Simulated) -> None:
    simulated.ends = {"torch float32"}
    inference_plan = simulated.plan(bfloat16=0.01, float32=0.004)
    with Silent().stage("", total=None) as stage:
        result = InferenceRunner(inference_plan).run(stage)
    assert list(result.failures.values()) == ["Its worker ended in the middle of the run: no answer within 1 s."]
    stored = simulated.context.store.read(result.passes[0].setup)
    assert [index for index, name in enumerate(simulated.names) if name not in stored] == [0]
