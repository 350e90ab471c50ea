from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.training_record import OutOfFold
from benchmark.scoring.suspected_labels import suspected_by_candidates, suspected_labels, suspects_of_run
from tests.scoring.conftest import hard_answers
from tests.support.finished_runs import FinishedRun, verification
from tests.support.finished_runs import corpus as finished_corpus

CLASSES = ("anger", "fear", "joy", "neutral")


def answers(labels: Sequence[int], probabilities: NDArray[np.float64]) -> OutOfFold:
    count = len(labels)
    return OutOfFold(
        clips=tuple(f"clip {number}" for number in range(count)),
        clip_hashes=tuple(str(number) for number in range(count)),
        speakers=("a",) * count,
        folds=(1,) * count,
        labels=tuple(CLASSES[label] for label in labels),
        classes=CLASSES,
        probabilities=probabilities.astype(np.float32),
    )


def noisy_model(labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Answers of a model that is right in about two thirds of the clips."""
    scores = np.random.default_rng(seed).normal(size=(len(labels), len(CLASSES)))
    scores[np.arange(len(labels)), labels] += 1.5
    return np.asarray(softmax(2 * scores, axis=1), np.float64)


def test_planted_wrong_labels_are_found_among_the_errors_of_the_model() -> None:
    truth = np.tile(np.arange(4), 100)
    wrong = np.arange(0, 400, 20)
    labels = truth.copy()
    labels[wrong] = (truth[wrong] + 1) % 4
    found = suspected_labels(answers(labels.tolist(), noisy_model(truth, seed=3)), most=20)
    planted = {f"clip {number}" for number in wrong}
    # 5 % of all clips are planted: by chance, one of 20 would be.
    assert len(planted & {suspect.clip for suspect in found}) >= 8
    first = found[0]
    assert first.likelier != first.label
    assert first.likelier_probability > 0.5
    assert first.label_probability < 0.05


def test_right_labels_of_a_sure_model_are_not_suspected() -> None:
    labels = np.tile(np.arange(4), 20)
    assert suspected_labels(answers(labels.tolist(), np.eye(4)[labels] * 0.88 + 0.03)) == ()


def test_an_emotion_that_never_gets_high_probabilities_is_measured_by_itself() -> None:
    # Clips of neutral get 0.3 for it and 0.4 for joy: that is how this model answers neutral clips, and no error.
    joy, neutral = [0.05, 0.05, 0.85, 0.05], [0.15, 0.15, 0.4, 0.3]
    swapped = [0.29, 0.3, 0.01, 0.4]
    found = suspected_labels(answers([2] * 10 + [3] * 10 + [2], np.array([joy] * 10 + [neutral] * 10 + [swapped])))
    assert [(suspect.clip, suspect.label, suspect.likelier) for suspect in found] == [("clip 20", "joy", "neutral")]


def run_with_wrong_labels(cache: Path, **fields: Any) -> tuple[RunRecord, CorpusRecord, PredictionStore]:
    """A finished run of two candidates that err in 10 %, and its corpus with two labels that nobody would give."""
    corpus = finished_corpus(repeats=6)
    run = FinishedRun(cache, corpus)
    for seed in range(2):
        run.add(verification(f"c{seed}", **fields), wrong=0.1, seed=seed)
    labels = {3: "sadness", 75: "happiness"}
    clips = [replace(clip, label=labels.get(number, clip.label)) for number, clip in enumerate(corpus.clips)]
    relabelled = corpus.model_copy(update={"name": "another name", "clips": tuple(clips)})
    return run.save(), relabelled, PredictionStore(cache)


def test_wrong_labels_are_suspected_by_the_stored_answers_of_a_run(tmp_path: Path) -> None:
    run, corpus, store = run_with_wrong_labels(tmp_path)
    found = suspects_of_run(run, corpus, store.read)
    assert found is not None
    assert found.candidates == ("c0", "c1")
    names = [suspect.clip for suspect in found.suspects]
    assert {corpus.clips[3].clip, corpus.clips[75].clip} <= set(names)
    assert len(names) < 12


def test_candidates_that_were_trained_on_the_corpus_or_did_not_answer_all_clips_suspect_nothing(tmp_path: Path) -> None:
    run, corpus, store = run_with_wrong_labels(tmp_path, trained_on=("acted",))
    assert suspects_of_run(run, corpus, store.read) is None, "by its name in the run"
    more = (*corpus.clips, replace(corpus.clips[0], clip="new", clip_hash="new"))
    assert suspects_of_run(run, corpus.model_copy(update={"clips": more}), store.read) is None
    assert suspects_of_run(run, corpus, lambda _: {}) is None


def test_clips_whose_emotion_no_candidate_covers_are_not_suspected() -> None:
    truth = ["anger", "fear"] * 10 + ["surprise"]
    given = hard_answers(truth, ["anger", "fear"] * 10 + ["fear"], ("anger", "fear"))
    assert suspected_by_candidates([str(number) for number in range(21)], [given, given]) == ()


def test_an_emotion_without_clips_is_not_suggested() -> None:
    found = suspected_labels(answers([0] * 10 + [1] * 10, np.tile([0.01, 0.49, 0.25, 0.25], (20, 1))))
    assert {suspect.likelier for suspect in found} <= {"fear"}
