"""Labels that may be wrong, by the answers of models that have not been trained on them.

Confident learning: C. G. Northcutt, L. Jiang, I. L. Chuang, Confident Learning: Estimating Uncertainty in Dataset
Labels, Journal of Artificial Intelligence Research 70 (2021).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.training_record import OutOfFold, SuspectedLabel
from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.ensembles import soft_vote
from benchmark.scoring.evaluations import join_evaluation
from benchmark.scoring.labels import label_clips
from benchmark.scoring.trained_on import Seen

SUSPECTED = 30
"""So many are listed: somebody has to listen to them."""
PRECISION_OF_SUSPECTS = (
    "In simulations with 5 % wrong labels, 89 to 99 % of what was listed was wrong where candidates had an accuracy of "
    "0.8, and 34 to 56 % at 0.5."
)
"""By `scripts/simulate_suspects.py`, with 1 to 8 candidates."""
SELF_CONFIDENCE = 0.2
"""Of what clips with the same label get for it on average; above it, a clip is an ordinary error of the model."""


def suspected_labels(answers: OutOfFold, most: int = SUSPECTED) -> tuple[SuspectedLabel, ...]:
    """Find clips whose label may be wrong by out-of-fold answers, as `find_suspected` does."""
    classes = {name: index for index, name in enumerate(answers.classes)}
    labels = np.array([classes[label] for label in answers.labels], dtype=np.int64)
    return find_suspected(answers.clips, labels, answers.classes, answers.probabilities.astype(np.float64), most)


def suspected_by_candidates(
    clips: Sequence[str], candidates: Sequence[Answers], most: int = SUSPECTED
) -> tuple[SuspectedLabel, ...]:
    """Find clips whose label may be wrong by the mean probabilities of candidates, as `find_suspected` does.

    Clips without an answer, and those whose emotion no candidate covers, are never suspected.

    Args:
        clips: Names of the clips that all candidates have answered.
        candidates: At least one.
    """
    mean = soft_vote(candidates)
    labels = mean.index_among(mean.classes)
    judged = np.flatnonzero((labels != NO_EMOTION) & mean.answered)
    names = [clips[row] for row in judged.tolist()]
    return find_suspected(names, labels[judged], mean.classes, mean.probabilities[judged], most)


@dataclass(frozen=True, kw_only=True)
class SuspectsOfRun:
    """Suspected labels, and the candidates whose answers they rest on."""

    suspects: tuple[SuspectedLabel, ...]
    candidates: tuple[str, ...]


def suspects_of_run(
    run: RunRecord, corpus: CorpusRecord, predictions: Callable[[InferenceSetup], Mapping[str, Prediction]]
) -> SuspectsOfRun | None:
    """Find clips of a corpus whose label may be wrong by the stored answers of a run, which may have other labels.

    Candidates that are known to be trained on the corpus repeat its labels, and are left out.

    Args:
        corpus: With the labels to judge. The run's corpus is that of the same audio, whatever it is called.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.

    Returns:
        None where no candidate has answered all clips.

    Raises:
        RequestError: A merge or an override of the corpus names an unknown emotion.
    """
    hashes = {clip.clip_hash for clip in corpus.clips} - {None}
    names = [own.name for own in run.corpora if hashes <= {clip.clip_hash for clip in own.clips}]
    if not names or not hashes:
        return None
    # Whether a candidate was trained on it follows from the name in the run.
    corpus = corpus.model_copy(update={"name": names[0]})
    clips = label_clips(corpus)
    answers: dict[str, Answers] = {}
    for verification in run.verifications:
        for record in run.evaluations:
            if (record.candidate, record.corpus) != (verification.candidate, corpus.name):
                continue
            own = join_evaluation(record, verification, corpus, predictions(record.setup), clips)
            if own.complete and own.seen is not Seen.YES and own.answers.classes:
                answers.setdefault(own.candidate, own.answers)
    if not answers:
        return None
    found = suspected_by_candidates([clip.clip for clip in clips.clips], list(answers.values()))
    return SuspectsOfRun(suspects=found, candidates=tuple(answers))


def find_suspected(
    clips: Sequence[str],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    probabilities: NDArray[np.float64],
    most: int = SUSPECTED,
) -> tuple[SuspectedLabel, ...]:
    """Find clips whose label gets a very low probability, and another emotion as high a one as its own clips get.

    The threshold tⱼ of emotion j is the mean probability of j over the clips labelled j. A clip labelled i is suspected
    where another emotion j has pⱼ ≥ tⱼ, pⱼ > pᵢ and pᵢ < 0.2 tᵢ. So an emotion that the model gives rarely, or never
    surely, is measured by itself. A sure model makes suspects of its errors: they are clips to listen to, no more.

    Args:
        labels: Index into `classes` of each clip's label, shape (clips,).
        probabilities: Shape (clips, classes).

    Returns:
        At most `most`, by pⱼ − pᵢ, the largest first.
    """
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    numbers = np.bincount(labels, minlength=len(classes))
    thresholds = np.bincount(labels, weights=own, minlength=len(classes)) / np.maximum(numbers, 1)
    # An emotion without clips has no threshold, and is never suggested.
    eligible = (numbers > 0) & (probabilities >= thresholds)
    eligible[rows, labels] = False
    likelier = np.where(eligible, probabilities, -1.0).argmax(axis=1)
    margin = np.where(eligible[rows, likelier], probabilities[rows, likelier] - own, 0.0)
    suspected = np.flatnonzero((margin > 0) & (own < SELF_CONFIDENCE * thresholds[labels]))
    order = suspected[np.argsort(-margin[suspected], kind="stable")]
    return tuple(
        SuspectedLabel(
            clip=clips[row],
            label=classes[labels[row]],
            label_probability=float(own[row]),
            likelier=classes[likelier[row]],
            likelier_probability=float(probabilities[row, likelier[row]]),
        )
        for row in order[:most].tolist()
    )
