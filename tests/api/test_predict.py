from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import benchmark
from benchmark.api.predict import PredictOutcome
from benchmark.demo.files import demo_clips, registry_path
from benchmark.errors import RequestError, UnavailableError
from benchmark.evaluation import plan
from benchmark.evaluation import timelines as evaluation_timelines
from benchmark.evaluation.parity import Decisions
from benchmark.evaluation.plan import PlannedEngine
from benchmark.models.checkpoint import load_checkpoint
from benchmark.progress import Silent, Stage
from benchmark.results.tuning import TunedModel, store_tuning
from benchmark.settings import Settings
from tests.support.lost_workers import end_workers
from tests.support.tunings import tuning

RATE = 16_000
ENGLISH = registry_path().parent / "checkpoints" / "wav2vec2-english"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a recording of 7.2 s, the same cut off, one that is too short, and one that is no audio."""
    folder = tmp_path_factory.mktemp("recordings")
    by_emotion = {clip.emotion: clip.waveform().samples for clip in demo_clips()}
    samples = np.concatenate([by_emotion[name] for name in ("anger", "sadness", "neutral", "happiness", "fear")])
    soundfile.write(folder / "call.wav", samples[: int(7.2 * RATE)], RATE)
    whole = (folder / "call.wav").read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 4 * 3])
    soundfile.write(folder / "short.wav", np.zeros(9), RATE)
    (folder / "text.wav").write_text("no audio")
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache=tmp_path_factory.mktemp("cache"))


def predict(settings: Settings, *models: str, of: list[Path], **options: Any) -> PredictOutcome:
    return benchmark.predict(models, of, candidates="demo", settings=settings, **options)


def test_each_window_gets_what_the_model_says_to_just_that_stretch(recordings: Path, settings: Settings) -> None:
    outcome = predict(settings, "wav2vec2-english", of=[recordings / "call.wav"])
    (timeline,) = outcome.result.timelines
    assert (outcome.exit_code, outcome.problems) == (0, ())
    assert [window.start_s for window in timeline.windows] == pytest.approx([0, 1, 2, 3, 4, 4.2])
    assert timeline.windows[-1].end_s == pytest.approx(7.2)
    checkpoint = load_checkpoint(ENGLISH)
    samples, _ = soundfile.read(recordings / "call.wav", dtype="float32")
    for window in timeline.windows:
        stretch = samples[round(window.start_s * RATE) : round(window.end_s * RATE)]
        # The labels of this model are one emotion each, in the order of its outputs.
        assert window.probabilities == pytest.approx(checkpoint.probabilities(stretch), abs=1e-5)


def test_a_bad_recording_costs_only_itself_and_a_refused_model_only_itself(
    recordings: Path, settings: Settings
) -> None:
    outcome = predict(
        settings, "wav2vec2-english", "ast-english-five", "wav2vec2-ctc", of=[recordings, Path("gone.wav")]
    )
    assert outcome.exit_code == 1
    windows = {(Path(line.recording).name, line.model): len(line.windows) for line in outcome.result.timelines}
    assert windows["call.wav", "wav2vec2-english"] == 6
    assert windows["call.wav", "ast-english-five"] == 6
    assert windows["cut.wav", "wav2vec2-english"] == 3
    refused, cut, _, *short, text, gone = outcome.problems
    assert refused.startswith("wav2vec2-ctc is wrong-task, and is not asked: ")
    assert "cut off" in cut
    assert "Heard until 5.0 s." in cut
    assert len(short) == 2
    assert "9 samples" in short[0]
    assert text.endswith("text.wav: It is not audio in a known format such as WAV, FLAC, OGG or MP3.")
    assert gone == "gone.wav: The file does not exist."


def test_windows_are_as_long_as_asked_for_or_as_the_model_reads(recordings: Path, settings: Settings) -> None:
    outcome = predict(settings, "ast-english-five", of=[recordings / "call.wav"])
    (timeline,) = outcome.result.timelines
    assert timeline.window_s == pytest.approx(2.56, abs=0.02)
    with pytest.raises(RequestError, match=r"ast-english-five reads at most 2\.\d+ s at once: choose --window 2"):
        predict(settings, "ast-english-five", of=[recordings / "call.wav"], window_seconds=3)
    with pytest.raises(RequestError, match="go unheard"):
        predict(settings, "ast-english-five", of=[recordings / "call.wav"], window_seconds=0.5, hop_seconds=1)
    (short,) = predict(settings, "ast-english-five", of=[recordings / "call.wav"], window_seconds=0.5).result.timelines
    assert (short.window_s, short.hop_s, len(short.windows)) == (0.5, 0.5, 15)


def test_unusable_models_and_missing_recordings_are_errors(recordings: Path, settings: Settings) -> None:
    call = [recordings / "call.wav"]
    with pytest.raises(RequestError, match="wavlm-encoder is no-head, and is not asked"):
        predict(settings, "wavlm-encoder", of=call)
    with pytest.raises(UnavailableError, match="unreachable"):
        predict(replace(settings, hub_timeout_s=0.5), "some-org/some-model", of=call)
    with pytest.raises(RequestError, match=r"There is no recording gone\.wav"):
        predict(settings, "some-org/some-model", of=[Path("gone.wav")])


def test_a_worker_that_ends_costs_only_the_recording_that_it_ended_with(recordings: Path, settings: Settings) -> None:
    impatient = replace(settings, clip_timeout_s=0.0001)
    outcome = predict(impatient, "wav2vec2-english", of=[recordings / "call.wav", recordings / "text.wav"])
    first, second = outcome.result.timelines
    assert (first.failure or "").startswith("The model failed: ")
    assert "not audio" in (second.failure or "")
    assert outcome.exit_code == 3


@pytest.mark.parametrize("method", ["load", "predict"])
def test_a_recording_whose_worker_is_killed_once_has_the_same_timeline(
    recordings: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    call = [recordings / "call.wav"]
    expected = predict(settings, "wav2vec2-english", of=call).result.timelines
    with monkeypatch.context() as context:
        end_workers(context, method, actor="ModelActor")
        assert predict(settings, "wav2vec2-english", of=call).result.timelines == expected
    end_workers(monkeypatch, method, actor="ModelActor", calls=(0, 1))
    twice = predict(settings, "wav2vec2-english", of=call)
    assert twice.exit_code == 3
    assert "SIGKILL" in twice.problems[0]


def test_tuned_probabilities_are_those_of_the_stored_tuning(recordings: Path, settings: Settings) -> None:
    call, name = [recordings / "call.wav"], "wav2vec2-english"
    with pytest.raises(RequestError, match=f"{name} is not tuned in .*: tune it by `bench tune {name}"):
        predict(settings, name, of=call, tuned=True)
    report = benchmark.verify("demo", models=[name], settings=settings, output=settings.cache / "reports").report
    model = TunedModel.of(report.candidates[0], merges={}, preprocessor=None)
    stored = tuning(model, temperature=2.0, thresholds=[None, *[0.0] * (len(model.classes) - 1)])
    store_tuning(settings.cache, stored)
    (plain,) = predict(settings, name, of=call).result.timelines
    outcome = predict(settings, name, of=call, tuned=True)
    (tuned,) = outcome.result.timelines
    assert (outcome.result.calibrated, tuned.tuning, plain.tuning) == (True, stored.applied, None)
    for before, after in zip(plain.windows, tuned.windows, strict=True):
        roots = np.sqrt(before.probabilities)  # which is what a temperature of 2 makes of them
        assert after.probabilities == pytest.approx(roots / roots.sum(), abs=1e-6)
    refused = plain.emotions[0]
    assert [span.emotion.replace(refused, "none") for span in plain.spans()] == [span.emotion for span in tuned.spans()]
    with pytest.raises(RequestError, match="was tuned without --merge"):
        predict(settings, name, of=call, tuned=True, merge=["sadness=neutral"])


def test_both_sides_of_a_call_have_timelines_of_their_own(tmp_path: Path, settings: Settings) -> None:
    voice = next(iter(demo_clips())).waveform().samples
    soundfile.write(tmp_path / "call.wav", np.stack([voice, np.flip(voice)], axis=1), RATE)
    left, right = predict(settings, "wav2vec2-english", of=[tmp_path / "call.wav"], channel="each").result.timelines
    assert (left.recording.rpartition("#")[2], right.recording.rpartition("#")[2]) == ("left", "right")
    assert left.windows != right.windows


def test_turns_are_heard_alone_and_those_outside_of_the_recording_are_named(
    recordings: Path, settings: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "turns.csv"
    table.write_text("recording,start,end,speaker\ncall,1,3,anna\ncall,3,7,ben\ncall,9,12,ben\n")
    call = recordings / "call.wav"
    outcome = predict(settings, "wav2vec2-english", of=[call], turns=table)
    anna, ben, outside = outcome.result.timelines
    assert [(window.start_s, window.end_s) for window in (*anna.windows, *ben.windows)] == [(1, 3), (3, 6), (4, 7)]
    samples, _ = soundfile.read(call, dtype="float32")
    expected = load_checkpoint(ENGLISH).probabilities(samples[RATE : 3 * RATE])
    assert anna.windows[0].probabilities == pytest.approx(expected, abs=1e-5)
    assert (outcome.exit_code, outside.windows) == (1, ())
    assert outcome.problems == (
        f"{call}: 1 of 3 turns could not be heard to the end, such as row 3 of the table: The clip is the stretch from "
        "9 s to 12 s, and the recording ends before.",
    )
    whole, *_ = outcome.result.answers()
    heard = 2 * np.array(anna.mean_probabilities()) + 4 * np.array(ben.mean_probabilities())
    assert whole.seconds == 6
    assert whole.probabilities == pytest.approx(heard / 6)
    with pytest.raises(RequestError, match="--column says which columns the table of --turns has"):
        predict(settings, "wav2vec2-english", of=[call], columns=["start=begin"])


def test_a_faster_engine_decides_as_the_reference_and_is_named(
    recordings: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = [recordings / "call.wav"]
    (exact,) = predict(settings, "wav2vec2-english", of=call).result.timelines
    outcome = predict(settings, "wav2vec2-english", of=call, backend="openvino")
    (fast,) = outcome.result.timelines
    assert (exact.engine, fast.engine, outcome.exit_code) == ("torch float32", "openvino float32", 0)
    assert [span.emotion for span in fast.spans()] == [span.emotion for span in exact.spans()]
    for before, after in zip(exact.windows, fast.windows, strict=True):
        assert after.probabilities == pytest.approx(before.probabilities, abs=1e-3)
    assert fast.windows != exact.windows
    with monkeypatch.context() as context:
        context.setattr(PlannedEngine, "margin", 2.0)  # every window is close
        (rerun,) = predict(settings, "wav2vec2-english", of=call, backend="openvino").result.timelines
    assert rerun.windows == exact.windows
    assert (rerun.engine, rerun.rerun_windows) == ("openvino float32", 6)
    with monkeypatch.context() as context:
        for module in (plan, evaluation_timelines):
            context.setattr(module, "PAYS_FROM_CLIPS", 6)
        (auto,) = predict(settings, "wav2vec2-english", of=call).result.timelines
    assert auto == fast


@pytest.mark.parametrize("kind", ["crash", "difference"])  # the latter is remembered
def test_an_engine_that_fails_on_the_way_costs_no_answer(
    recordings: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    calls = [recordings / "call.wav", recordings / "cut.wav"]
    exact = predict(settings, "wav2vec2-english", of=calls).result.timelines
    predict(settings, "wav2vec2-english", of=calls, backend="openvino")  # converted and compared
    if kind == "crash":
        end_workers(monkeypatch, "predict", actor="ModelActor", calls=(1, 2))
    else:  # the fifth window is close, and the reference answers otherwise
        margins = iter([1.0] * 4 + [0.0] * 100)
        monkeypatch.setattr(Decisions, "margins", lambda _self, _logits: np.array([next(margins)]))
        monkeypatch.setattr(Decisions, "difference", lambda _self, _one, _other: 0.5)
    outcome = predict(settings, "wav2vec2-english", of=calls, backend="openvino")
    assert outcome.result.timelines == exact


class _Impatient(Silent):
    """Presses Ctrl-C when the second recording begins."""

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Stage]:
        if "cut.wav" in description:
            raise KeyboardInterrupt
        with super().stage(description, total=total, unit=unit) as stage:
            yield stage


def test_what_was_finished_before_ctrl_c_is_given(recordings: Path, settings: Settings) -> None:
    paths = [recordings / "call.wav", recordings / "cut.wav"]
    outcome = predict(settings, "wav2vec2-english", of=paths, progress=_Impatient())
    assert outcome.exit_code == 130
    assert [len(timeline.windows) for timeline in outcome.result.timelines] == [6]
