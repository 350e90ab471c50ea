"""Which engine of a plan is taken: the same answers, or a reason why not."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.corpora.audio_reader import ClipWindow
from benchmark.corpora.clips import Clip
from benchmark.evaluation import parity, plan, runner
from benchmark.evaluation.context import RunOptions
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.parity import ParityTest
from benchmark.evaluation.sessions import AnsweredWindow, ModelSession
from benchmark.evaluation.shards import Shard
from benchmark.models.backends.openvino_backend import computes_in
from benchmark.results.inference_record import ParityCheck
from tests.support.evaluations import AUTO, FAST, TORCH, Run, evaluation_of, forbid_workers, write_clips
from tests.support.tiny_models import edit_json, write_tiny

BATCHES = replace(TORCH, engines=EngineChoice(backend="torch", batch=4))


def test_auto_leaves_a_few_clips_to_torch_and_says_so(run: Callable[..., Run]) -> None:
    few = run(options=AUTO, empty=True)
    assert few.record.setup.backend == "torch"
    assert "fewer than 128 clips" in (few.inference.note or "")


def test_auto_goes_on_with_torch_where_that_has_answered_most_clips(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 4)
    run(options=TORCH, empty=True)
    assert run(options=AUTO).inference.note == "torch has answered most of these clips before."


def test_auto_chooses_for_a_shard_whatever_its_store_has_answered(
    subjects: dict[str, Subject], recordings: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 4)
    Run(evaluation_of((subjects["hubert"],), recordings, tmp_path))
    shard = replace(evaluation_of((subjects["hubert"],), recordings, tmp_path, options=AUTO), shard=Shard(1, 1))
    assert Run(shard).record.setup.backend == "openvino"
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 20)
    few = replace(evaluation_of((subjects["hubert"],), recordings, tmp_path / "few", options=AUTO), shard=Shard(1, 2))
    assert Run(few).inference.note == plan.FEW_CLIPS


def test_auto_takes_openvino_where_it_pays(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 4)
    ran = run(options=replace(AUTO, latency_budget_s=1e-6, segment_s=0.3))
    assert ran.record.setup.backend == "openvino"
    (timed,) = ran.result.latencies
    assert (timed.backend, timed.dtype, timed.failure) == ("openvino", "float32", None)


def test_auto_compares_nothing_for_a_few_clips_of_another_corpus(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PAYS_FROM_CLIPS", 5)
    assert run(options=AUTO, empty=True, kept=slice(6)).record.setup.backend == "openvino"
    other = run(options=AUTO, kept=slice(6, 10))
    assert (other.record.setup.backend, other.inference.note) == ("torch", plan.FEW_CLIPS)


def test_fast_takes_bfloat16_where_the_processor_computes_in_it_and_float32_elsewhere(run: Callable[..., Run]) -> None:
    fast, exact = run(options=FAST), run(options=TORCH)
    if computes_in("bfloat16"):
        assert (fast.inference.dtype, fast.inference.allowed) == ("bfloat16", 2e-2)
        assert 0 < (fast.inference.largest_difference or 0) < 2e-2
    else:
        assert fast.inference.dtype == "float32"
        assert "does not compute in bfloat16" in fast.inference.fallbacks[0]
    for name, answer in fast.answers.items():
        if answer.logits is not None:
            assert answer.logits.argmax() == exact.answers[name].logits.argmax()  # type: ignore[union-attr]


@pytest.mark.skipif(computes_in("float16"), reason="this processor computes in float16")
def test_a_number_format_in_which_the_processor_does_not_compute_is_left_with_the_reason(
    run: Callable[..., Run],
) -> None:
    half = run(options=replace(TORCH, engines=EngineChoice(backend="openvino", dtype="float16")))
    assert half.record.setup.backend == "torch"
    assert half.inference.fallbacks == ("openvino float16 was not taken: this processor does not compute in float16.",)


def test_torch_in_bfloat16_is_compared_with_float32_as_any_other(run: Callable[..., Run]) -> None:
    short = run(options=replace(TORCH, engines=EngineChoice(backend="torch", dtype="bfloat16")))
    assert (short.inference.backend, short.inference.dtype, short.inference.fallbacks) == ("torch", "bfloat16", ())
    assert 0 < (short.inference.largest_difference or 0) < 2e-2
    assert short.inference.conversion_s == 0


def test_onnx_runtime_answers_as_torch(run: Callable[..., Run]) -> None:
    other = run(options=replace(TORCH, engines=EngineChoice(backend="onnxruntime")))
    assert other.record.setup.backend == "onnxruntime"
    assert other.same_as(run(options=TORCH), within=3e-6)


def test_other_merges_are_compared_as_well_and_the_first_ones_are_not_forgotten(
    run: Callable[..., Run], converted: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compared: list[int] = []
    answers = ModelSession.answers

    def counted(self: ModelSession, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        for answered in answers(self, windows):
            compared.extend([] if self.implementation.engine.is_reference else [1])
            yield answered

    with monkeypatch.context() as context:
        context.setattr(ModelSession, "answers", counted)
        run(merge={"sadness": "anger"})
    assert sum(compared) == 10
    check = ParityCheck.load(tmp_path / "cache", converted[1].record.setup)
    assert check is not None
    assert (check.compared, len(check.decisions)) == (10, 2)
    forbid_workers(monkeypatch)
    assert run().inference.checked_clips == 10
    assert run(merge={"sadness": "anger"}).inference.checked_clips == 10


def test_a_converted_model_that_could_not_be_written_is_tried_again(run: Callable[..., Run], tmp_path: Path) -> None:
    run()
    (check,) = (tmp_path / "cache").rglob("*.parity.json")
    shutil.rmtree(check.parent)
    check.parent.write_text("in the way", encoding="utf-8")
    refused = run()
    assert refused.record.setup.backend == "torch"
    assert refused.inference.fallbacks[0].startswith("openvino float32 was not taken: it cannot be converted")
    check.parent.unlink()
    assert run().record.setup.backend == "openvino"


@pytest.mark.parametrize(
    ("kept", "margin", "reason"),
    [
        (slice(10, 11), 0.0, "there is no clip"),
        (slice(2), 1.1, "openvino float32 was not taken: of 2 clips, 2 would have to be done again"),
    ],
)
def test_a_few_clips_that_decide_nothing_do_not_rule_an_engine_out(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, kept: slice, margin: float, reason: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(parity, "rerun_margin", lambda _: margin)
        undecided = run(empty=True, kept=kept)
    assert undecided.record.setup.backend == "torch"
    assert reason in undecided.inference.fallbacks[0]
    ran = run()
    assert (ran.record.setup.backend, ran.inference.checked_clips) == ("openvino", 10)


@pytest.fixture(scope="module")
def subject(subjects: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Give a candidate that answers in a batch as it does alone."""
    folder = write_tiny("wav2vec2", tmp_path_factory.mktemp("layer") / "model", feat_extract_norm="layer")
    edit_json(folder / "preprocessor_config.json", return_attention_mask=True)
    return replace(subjects["wav2vec2"], folder=folder)


@pytest.fixture(scope="module")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give recordings of many lengths, one of two windows, and one that is too short."""
    seconds = (0.5, 0.52, 0.54, 0.7, 0.9, 0.91, 1.0, 1.01, 1.02, 31.5, 0.01)
    return write_clips(tmp_path_factory.mktemp("lengths"), seconds)


@pytest.fixture
def run_in(subject: Subject, lengths: tuple[Clip, ...], tmp_path: Path) -> Callable[..., Run]:
    """Give a function that runs the candidate in a cache of the name that it is given."""

    def ran(
        cache: str, options: RunOptions = BATCHES, *, subject: Subject = subject, clips: tuple[Clip, ...] = lengths
    ) -> Run:
        run = Run(evaluation_of((subject,), clips, tmp_path / cache, options=options))
        assert run.record.failure is None
        return run

    return ran


def test_batches_answer_as_the_reference_does_and_the_run_says_so(run_in: Callable[..., Run]) -> None:
    alone, together = run_in("alone", TORCH), run_in("together")
    inference = together.inference
    assert (inference.backend, inference.batch, inference.asked) == ("torch", 4, "torch batch-size 4")
    assert inference.checked_clips == 10
    assert (inference.largest_difference or 0.0) < 1e-5
    assert together.record.setup.key != alone.record.setup.key
    assert together.same_as(alone, within=1e-5)
    assert [name for name, answer in together.answers.items() if answer.logits is None] == ["10.wav"]


def test_what_agrees_with_the_reference_to_the_bit_does_not_count_as_rerun(
    run_in: Callable[..., Run], subjects: dict[str, Subject], tmp_path: Path
) -> None:
    whisper = replace(subjects["wav2vec2"], folder=write_tiny("whisper", tmp_path / "whisper"))
    alone, together = run_in("one", TORCH, subject=whisper), run_in("one", subject=whisper)
    pairs = [(answer.logits, together.answers[name].logits) for name, answer in alone.answers.items()]
    assert any(np.array_equal(mine, other) for mine, other in pairs)  # type: ignore[arg-type]
    assert (together.inference.batch, together.inference.redone_clips) == (4, 0)


def test_order_and_a_stop_in_between_change_no_bit_of_a_batch(
    run_in: Callable[..., Run], lengths: tuple[Clip, ...]
) -> None:
    expected = run_in("plain")
    run_in("resumed", clips=lengths[3:8])
    assert run_in("backwards", clips=lengths[::-1]).same_as(expected)
    assert run_in("resumed").same_as(expected)


def test_a_model_that_answers_otherwise_in_a_batch_is_run_one_by_one_with_the_reason(
    run_in: Callable[..., Run], subjects: dict[str, Subject]
) -> None:
    ran = run_in("group", subject=subjects["hubert"])
    assert (ran.inference.batch, ran.inference.largest_difference) == (1, None)
    assert ran.inference.fallbacks == (
        "torch float32 in batches of 4 was not taken: it hears what shorter clips of a batch are padded with.",
    )


@pytest.mark.parametrize(("speed", "batch"), [(2.0, 3), (0.5, 1)])
def test_batches_that_nobody_asked_for_are_taken_only_if_they_are_faster_on_this_device(
    run_in: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, speed: float, batch: int
) -> None:
    # As on a GPU, which cannot be had here.
    monkeypatch.setattr(EngineChoice, "_batches", lambda self, device: (3, 1))
    monkeypatch.setattr(ParityTest, "_speed", lambda *_: speed)
    ran = run_in("left", TORCH)
    slower = "torch float32 in batches of 3 was not taken: in a full batch, a window takes 2.0 times as long as alone."
    assert (ran.inference.batch, ran.inference.fallbacks) == (batch, () if batch > 1 else (slower,))


def test_batches_are_timed_in_the_test_and_latency_is_measured_one_call_at_a_time(
    run_in: Callable[..., Run], tmp_path: Path
) -> None:
    ran = run_in("timed", replace(BATCHES, latency_budget_s=1e-6, segment_s=0.3))
    (latency,) = ran.result.latencies
    assert (latency.backend, latency.dtype, latency.failure) == ("torch", "float32", None)
    check = ParityCheck.load(tmp_path / "timed", ran.record.setup)
    assert check is not None
    assert 0 < (check.speed or 0) < 1000


@pytest.fixture
def few_first(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compare three clips, and the one of two windows, before a run; gives the engine of each comparison."""
    monkeypatch.setattr(plan, "FIRST_COMPARED", 3)
    session_of_run = type("SessionOfRun", (ModelSession,), {})
    compared: list[str] = []
    answers = ModelSession.answers

    def counted(self: ModelSession, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        for answered in answers(self, windows):
            if answered.answer is not None and not isinstance(self, session_of_run):
                compared.append(str(self.implementation.engine))
            yield answered

    monkeypatch.setattr(ModelSession, "answers", counted)
    monkeypatch.setattr(runner, "ModelSession", session_of_run)
    return compared


def test_most_clips_are_compared_when_the_run_has_computed_them(
    run: Callable[..., Run], few_first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = run(empty=True)
    assert few_first == ["torch float32"] * 4 + ["openvino float32"] * 3 + ["torch float32"] * 7  # one is too short
    assert (fast.inference.checked_clips, fast.record.failure, fast.inference.redone_clips) == (10, None, 0)
    assert fast.same_as(run(options=TORCH), within=3e-6)
    forbid_workers(monkeypatch)
    assert run().same_as(fast)


def test_an_engine_that_differs_on_a_later_clip_is_replaced_by_the_reference(
    run: Callable[..., Run], few_first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = ParityTest.complete

    def differing(self: ParityTest, *arguments: Any) -> ParityCheck:
        return complete(self, *arguments).model_copy(update={"largest_difference": 0.5})

    monkeypatch.setattr(ParityTest, "complete", differing)
    fell_back = run(empty=True)
    assert few_first.count("openvino float32") == 3
    assert (fell_back.record.setup.backend, fell_back.record.failure) == ("torch", None)
    assert "on 10 clips its probabilities differ" in fell_back.inference.fallbacks[0]
    assert fell_back.same_as(run(options=TORCH, empty=True))


@pytest.mark.usefixtures("few_first")
def test_comparisons_that_an_interruption_leaves_open_are_made_by_the_next_run(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = ParityTest.complete

    def interrupted(self: ParityTest, *arguments: Any) -> ParityCheck:
        self.context.stop.set()
        return complete(self, *arguments)

    with monkeypatch.context() as context:
        context.setattr(ParityTest, "complete", interrupted)
        first = run(empty=True)
    assert first.record.failure == runner.INTERRUPTED
    resumed = run()
    assert (resumed.record.failure, resumed.inference.checked_clips) == (None, 10)
    assert resumed.same_as(first)
