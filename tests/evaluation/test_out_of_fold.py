from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from benchmark.audio.perturbation import parse_perturbations
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.evaluation.context import RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.out_of_fold import SubjectCorpora, divide_corpora
from benchmark.models.backends.protocol import is_installed
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.results.status import Status
from benchmark.results.training_record import OUT_OF_FOLD_FILE, TRAINING_FILE, WEIGHTS_FILE
from benchmark.results.verification import Verification
from tests.support.audio import waveform_of
from tests.support.evaluations import OPENVINO, TORCH, evaluation_of, forbid_workers, tiny_subject, write_clips
from tests.support.trained_folders import CLASSES, answers_to, trained_folder, training_record, write_answers

SPEAKERS, REPEATS = 8, 2
CLIPS = tuple(
    ClipRecord(
        clip=f"{speaker}-{emotion}-{repeat}", clip_hash=f"{speaker}-{emotion}-{repeat}-{'0' * 32}"[:32],
        duration_s=1.0, label=emotion, speaker=f"s{speaker}",
    )
    for speaker in range(SPEAKERS) for emotion in CLASSES for repeat in range(REPEATS)
)  # fmt: skip
ANSWERS = answers_to(CLIPS)
PERTURBED = replace(TORCH, perturbations=parse_perturbations(["gain:-12dB"]))


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def subject_of(folder: Path) -> Subject:
    verification = Verification(
        candidate="mine", id=str(folder), revision="r1", status=Status.USABLE, reason="", labels=CLASSES,
        emotions=CLASSES, window_s=30.0,
    )  # fmt: skip
    return Subject(Candidate(id=str(folder), name="mine"), verification, folder)


def decoded(clips: tuple[ClipRecord, ...] = CLIPS, name: str = "demo") -> DecodedCorpus:
    record = CorpusRecord(name=name, source=f"folder:{name}", clips=clips, available_clips=len(clips))
    return DecodedCorpus(record, {clip.clip_hash: AudioFile(Path("x.wav")) for clip in clips if clip.clip_hash})


class Divided:
    """What becomes of corpora with the candidate in a folder."""

    def __init__(self, folder: Path, *corpora: DecodedCorpus, options: RunOptions = TORCH) -> None:
        self.store, self.told = PredictionStore(folder.parent / "cache"), Notes()
        self.result: SubjectCorpora = divide_corpora(
            subject_of(folder), corpora, ClipSet.of(corpora), options=options, store=self.store, progress=self.told
        )
        self.inferred = [corpus.record.name for corpus in self.result.inferred]
        self.adapted = [record.corpus for record in self.result.adapted]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trained_folder(tmp_path / "mine", ANSWERS)


@pytest.mark.parametrize("name", ["demo", "renamed"])
def test_a_covered_corpus_takes_the_out_of_fold_answers_whatever_its_name(folder: Path, name: str) -> None:
    divided = Divided(folder, decoded(name=name))
    (record,) = divided.result.adapted
    assert (divided.inferred, divided.result.clips.audio, divided.told.warnings) == ([], {}, [])
    setup = record.setup
    assert (setup.head, setup.backend, setup.revision, setup.labels) == ("trained-here", "out-of-fold", "r1", CLASSES)
    assert setup.head_parameters == {"answers": ANSWERS.digest, "folds": 4}
    stored = divided.store.read(setup)
    for clip_hash, expected in zip(ANSWERS.clip_hashes, ANSWERS.probabilities, strict=True):
        logits = stored[clip_hash].logits
        assert logits is not None
        assert softmax(logits) == pytest.approx(expected, abs=1e-6)


def test_a_probability_of_zero_has_a_finite_logit(tmp_path: Path) -> None:
    certain = replace(ANSWERS, probabilities=np.eye(len(CLASSES), dtype=np.float32)[np.arange(len(CLIPS)) % 7])
    divided = Divided(trained_folder(tmp_path / "mine", certain), decoded())
    stored = divided.store.read(divided.result.adapted[0].setup)
    assert np.isfinite(stored.logits).all()
    assert softmax(stored.logits, axis=1).max() == pytest.approx(1.0)


def test_a_part_of_a_covered_corpus_is_covered_and_unreadable_clips_need_no_answer(folder: Path) -> None:
    unreadable = replace(CLIPS[0], clip_hash=None, duration_s=None, failure="It is empty.")
    assert Divided(folder, decoded((unreadable, *CLIPS[1:20]))).adapted == ["demo"]


def test_only_what_is_not_covered_is_left_to_inference(folder: Path) -> None:
    other = tuple(replace(clip, clip_hash=f"other-{clip.clip_hash}", speaker=clip.speaker) for clip in CLIPS[:5])
    divided = Divided(folder, decoded(), decoded(other, "calls"))
    assert (divided.adapted, divided.inferred) == (["demo"], ["calls"])
    assert divided.result.clips.audio.keys() == {clip.clip_hash for clip in other}
    assert divided.result.heard == {"calls": 0}  # a speaker "s1" elsewhere is another person
    assert divided.told.warnings == []


def test_one_clip_without_an_answer_makes_the_corpus_seen(folder: Path) -> None:
    new = replace(CLIPS[0], clip="new", clip_hash="new")
    divided = Divided(folder, decoded((*CLIPS, new), "renamed"))
    assert (divided.adapted, divided.inferred, divided.result.heard) == ([], ["renamed"], {"renamed": 112})
    (warning,) = divided.told.warnings
    assert "trained on 112 of 113 clips of renamed" in warning
    assert "1 of 113 clips have no out-of-fold answer, such as new" in warning


def _replace_weights(folder: Path) -> None:
    with (folder / WEIGHTS_FILE).open("ab") as file:
        file.write(b"\0")


def _forget_the_weights(folder: Path) -> None:
    (folder / TRAINING_FILE).write_text(training_record(ANSWERS).model_dump_json())


def _other_classes(folder: Path) -> None:
    write_answers(folder, replace(ANSWERS, classes=("calm", *CLASSES[1:])))


def _cut_off(folder: Path) -> None:
    path = folder / OUT_OF_FOLD_FILE
    path.write_bytes(path.read_bytes()[:-100])


def _not_a_number(folder: Path) -> None:
    write_answers(folder, replace(ANSWERS, probabilities=np.full_like(ANSWERS.probabilities, np.nan)))


def _no_answers(folder: Path) -> None:
    (folder / OUT_OF_FOLD_FILE).unlink()


def _no_record(folder: Path) -> None:
    (folder / TRAINING_FILE).unlink()


def _damaged_record(folder: Path) -> None:
    (folder / TRAINING_FILE).write_text("{")


def _random_folds(folder: Path) -> None:
    write_answers(folder, replace(ANSWERS, folds=tuple(row % 4 for row in range(len(CLIPS)))))


def _unknown_speakers(folder: Path) -> None:
    write_answers(folder, replace(ANSWERS, speakers=(None,) * len(CLIPS)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_replace_weights, "its weights are not those"),
        (_forget_the_weights, "its weights are not those"),
        (_other_classes, "its out-of-fold answers are calm, disgust"),
        (_cut_off, "is no table of out-of-fold answers"),
        (_not_a_number, "a probability is not finite"),
        (_no_answers, f"it has no {OUT_OF_FOLD_FILE}"),
        (_no_record, f"it has no {TRAINING_FILE}"),
        (_damaged_record, "is no record of a training"),
        (_random_folds, "clips of the speaker s0 were answered by several folds"),
        (_unknown_speakers, "it was not known at its training who speaks in 112 of 112 clips"),
    ],
)
def test_answers_that_cannot_be_relied_on_are_ignored_and_the_corpus_is_seen(
    folder: Path, change: Callable[[Path], None], problem: str
) -> None:
    change(folder)
    divided = Divided(folder, decoded(name="renamed"))
    assert (divided.adapted, divided.result.heard) == ([], {"renamed": 112})
    (warning,) = divided.told.warnings
    assert problem in warning


def test_a_speaker_of_the_corpus_whom_a_fold_has_heard_makes_it_seen(folder: Path) -> None:
    same = tuple(replace(clip, speaker="both") if clip.speaker in ("s0", "s1") else clip for clip in CLIPS)
    divided = Divided(folder, decoded(same))
    assert (divided.adapted, divided.result.heard) == ([], {"demo": 112})
    assert "clips of the speaker both" in divided.told.warnings[0]


def test_a_candidate_that_bench_did_not_train_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    divided = Divided(tmp_path / "mine", decoded(), options=PERTURBED)
    assert (divided.inferred, divided.adapted, divided.result.heard) == (["demo"], [], {})
    assert divided.told.notes == divided.told.warnings == []


def test_robustness_of_out_of_fold_answers_is_not_measured_which_is_said(folder: Path) -> None:
    divided = Divided(folder, decoded(), options=PERTURBED)
    assert [record.setup.perturbation for record in divided.result.adapted] == [None, "gain:-12dB"]
    assert not divided.store.read(divided.result.adapted[1].setup)
    assert "robustness is not measured" in divided.told.notes[0]


def covered(folder: Path) -> tuple[Subject, tuple[Clip, ...]]:
    """A tiny candidate and recordings that its out-of-fold answers cover."""
    subject = tiny_subject("wav2vec2", folder / "tiny")
    recordings = write_clips(folder, [0.5, 0.6, 0.7, 0.8, 0])
    emotions = tuple(emotion or "" for emotion in subject.verification.emotions)
    records = [
        ClipRecord(
            clip=clip.name, clip_hash=waveform_of(clip).content_hash, duration_s=0.5, label=emotions[0],
            speaker=clip.speaker,
        )
        for clip in recordings[:4]
    ]  # fmt: skip
    answers = answers_to(records, classes=emotions)
    write_answers(subject.folder, answers)
    record = training_record(answers, subject.folder)
    (subject.folder / TRAINING_FILE).write_text(record.model_dump_json())
    return subject, recordings


def test_a_run_of_covered_clips_starts_no_worker_and_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, recordings = covered(tmp_path)
    forbid_workers(monkeypatch)
    run = evaluation_of([subject], recordings, tmp_path / "cache", options=PERTURBED).run(Silent())
    (own,), (perturbed,) = run.evaluations, run.perturbed
    assert (own.setup.head, own.failure, own.inference, own.log) == ("trained-here", None, None, None)
    assert (perturbed.setup.perturbation, perturbed.failure) == ("gain:-12dB", None)


@pytest.mark.skipif(not is_installed("openvino"), reason="needs openvino")
def test_the_final_model_is_timed_on_the_engine_that_would_compute_the_clips(tmp_path: Path) -> None:
    subject, recordings = covered(tmp_path)
    options = replace(OPENVINO, latency_budget_s=0.1, segment_s=0.3)
    run = evaluation_of([subject], recordings, tmp_path / "cache", options=options).run(Silent())
    (own,), (timed,) = run.evaluations, run.latencies
    assert (own.setup.head, own.failure, timed.backend, timed.failure) == ("trained-here", None, "openvino", None)


def test_what_the_final_model_has_heard_is_counted_where_it_computes(tmp_path: Path) -> None:
    subject, recordings = covered(tmp_path)
    (subject.folder / OUT_OF_FOLD_FILE).unlink()
    (own,) = evaluation_of([subject], recordings[3:], tmp_path / "cache").run(Silent()).evaluations
    assert (own.heard_clips, own.setup.head) == (1, "standard")
