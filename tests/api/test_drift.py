"""On the demo's voices: a run without a model, and changed copies of the recordings as new ones."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import benchmark
from benchmark.api.drift import DriftOutcome
from benchmark.audio.perturbation import parse_perturbation, perturbed_blocks
from benchmark.corpora.specs import open_corpora
from benchmark.demo.files import demo_clips
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.registry.schema import Registry
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.results.runs import CorpusRecord
from benchmark.settings import Settings
from tests.support.audio import shared_reader
from tests.support.finished_runs import FinishedRun, setup_of, verification

EMOTIONS = tuple(sorted({clip.emotion or "" for clip in demo_clips()}))


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> CorpusRecord:
    """The demo's voices as a run has decoded them."""
    settings = Settings(cache=tmp_path_factory.mktemp("heard"))
    (corpus,) = open_corpora(["demo:"], Registry(title="", candidates=()), settings=settings)
    return decode_corpus(corpus, shared_reader(), Silent()).record


@pytest.fixture
def run(tmp_path: Path, heard: CorpusRecord) -> FinishedRun:
    """A run in which `good` is usually right on the demo."""
    made = FinishedRun(tmp_path / ".bench", heard)
    made.add(verification("good", EMOTIONS), wrong=0.2)
    made.save()
    return made


def changed(folder: Path, change: str | None, speakers: tuple[str, ...]) -> Path:
    """Write recordings of some voices, changed by a perturbation, with a table of them."""
    folder.mkdir()
    rows = []
    for clip in demo_clips():
        if clip.speaker not in speakers:
            continue
        waveform = clip.waveform()
        blocks = [waveform.samples]
        if change is not None:
            perturbation = parse_perturbation(change)
            blocks = list(perturbed_blocks(blocks, waveform.sampling_rate, perturbation, seed="", level=None))
        soundfile.write(folder / f"{clip.name}.flac", blocks[0], waveform.sampling_rate)
        rows.append((f"{clip.name}.flac", clip.speaker))
    with (folder / "calls.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "speaker"), *rows])
    return folder / "calls.csv"


def drift(finished: FinishedRun, table: Path, **options: object) -> DriftOutcome:
    keywords: dict[str, Any] = {
        "find_speech": False,
        "output": table.parent / "reports",
        "settings": Settings(cache=finished.cache),
    }
    return benchmark.drift(f"table:{table}", **(keywords | options))


def differing(outcome: DriftOutcome) -> set[str]:
    return {own.quantity for own in outcome.drift.differences if own.differs}


@pytest.mark.parametrize(
    ("change", "quantities"), [(None, set()), ("telephone", {"bandwidth"}), ("gain:-20dB", {"level"})]
)
def test_changed_recordings_of_a_few_voices_differ_and_the_same_do_not(
    run: FinishedRun, tmp_path: Path, change: str | None, quantities: set[str]
) -> None:
    outcome = drift(run, changed(tmp_path / "calls", change, ("f1", "m1")), strict=change == "telephone")
    assert (differing(outcome), outcome.drift.drifted) == (quantities, bool(quantities))
    assert outcome.exit_code == (change == "telephone")
    assert "".join(outcome.problems).startswith("calls differs from demo in bandwidth (−" * (change == "telephone"))
    assert outcome.drift.candidate == "good"
    note = "28 of the new recordings are clips of demo." if change is None else "--model org/good computes them"
    assert note in " ".join(outcome.drift.notes)
    assert [path.name for path in outcome.files] == ["drift.md", "drift.json"]


def test_answers_of_another_run_are_compared(run: FinishedRun, tmp_path: Path) -> None:
    table = changed(tmp_path / "calls", "gain:-6dB", ("f1", "f2", "m1"))
    (corpus,) = open_corpora([f"table:{table}"], Registry(title="", candidates=()), settings=Settings(cache=run.cache))
    new = decode_corpus(corpus, shared_reader(), Silent()).record
    later = FinishedRun(run.cache, new)
    later.add(verification("good", EMOTIONS, revision="0" * 40), always="anger")  # of another revision
    later.save()
    options = {"run": str(sorted((run.cache / "runs").glob("*.json"))[0])}
    assert "answers anger" not in {own.quantity for own in drift(run, table, **options).drift.differences}
    good = verification("good", EMOTIONS)
    setup = setup_of(good).model_copy(update={"backend": "openvino"})
    logits = np.array([5.0 * (label == "anger") for label in EMOTIONS], dtype=np.float32)
    later.evaluations = [later.evaluations[0].model_copy(update={"setup": setup})]
    PredictionStore(run.cache).add(
        setup,
        [
            Prediction(clip_hash=clip.clip_hash or "", logits=logits, windows=1, failure=None, seconds=0.1)
            for clip in new.clips[1:]
        ],
    )
    later.save()
    outcome = drift(run, table, **options)
    assert "answers anger" in differing(outcome)
    assert {rate.emotion for rate in outcome.drift.rates} == set(EMOTIONS)
    anger = next(rate for rate in outcome.drift.rates if rate.emotion == "anger")
    assert anger.counted == 1.0
    assert "## Emotions in the new recordings" in outcome.files[0].read_text()
    assert any(note == f"1 of {len(new.clips)} new recordings have no answer of good." for note in outcome.drift.notes)


def test_without_the_runs_recordings_what_the_run_stored_is_compared(tmp_path: Path, heard: CorpusRecord) -> None:
    gone = FinishedRun(tmp_path / ".bench", heard.model_copy(update={"source": "folder:gone"}))
    gone.add(verification("good", EMOTIONS))
    gone.save()
    outcome = drift(gone, changed(tmp_path / "calls", "gain:-20dB", ("f1",)))
    assert differing(outcome) == {"level"}
    assert "The recordings of demo are not where the run found them: folder:gone." in outcome.drift.notes


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"model": "best"}, "no candidate 'best'"), ({"against": "other"}, "no corpus 'other'")],
)
def test_what_the_run_does_not_have_is_refused(
    run: FinishedRun, tmp_path: Path, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(RequestError, match=reason):
        drift(run, changed(tmp_path / "calls", None, ("f1",)), **options)
