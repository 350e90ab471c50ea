"""Clips to listen to: those that candidates get wrong, disagree on, or could not process."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from benchmark.results.analyses import LISTED_FAILURES, FailedClips, HardClip, HardClips
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.scoring.answers import NO_EMOTION
from benchmark.scoring.evaluations import CorpusEvaluations

LISTED_CLIPS = 30
_MIN_ANSWERS = 2


def hard_clips(corpus: CorpusEvaluations) -> HardClips:
    """Find the clips that candidates get wrong, and those on which they disagree.

    A candidate that does not have a clip's emotion as a class cannot answer it and is not counted among those that get
    it wrong. Of clips that are missed equally often those come first that more candidates could answer, then those to
    whose emotion these gave the lowest mean probability.
    """
    candidates = {own.candidate: own.answers for own in corpus.complete if own.answers.classes}
    if not candidates or not corpus.clips.clips:
        return HardClips(corpus=corpus.corpus.name, candidates=len(candidates))
    emotions = sorted({name for own in candidates.values() for name in (*own.emotions, *own.classes)})
    truth = next(iter(candidates.values())).index_among(emotions)
    # Shape (candidates, clips).
    answers = np.stack([own.chosen_among(emotions) for own in candidates.values()])
    knows = np.stack([own.index_among(own.classes) != NO_EMOTION for own in candidates.values()])
    # NO_EMOTION is -1 and picks the last column: a clip without an emotion is known to no candidate.
    given = np.stack([own.probabilities_of(emotions)[np.arange(len(truth)), truth] for own in candidates.values()])
    able, wrong = knows.sum(axis=0), (knows & (answers != truth)).sum(axis=0)
    belief = np.where(knows, np.nan_to_num(given), 0.0).sum(axis=0) / np.maximum(able, 1)
    hardest = np.lexsort((belief, -able, -(wrong / np.maximum(able, 1))))[:LISTED_CLIPS].tolist()
    disagreement = _disagreement(answers, len(emotions))
    disputed = np.argsort(-disagreement, kind="stable")[:LISTED_CLIPS].tolist()
    names = [*emotions, None]  # NO_ANSWER is -1 and picks the last one
    listed = {}
    for row in (*hardest, *disputed):
        update = {
            "emotion": corpus.clips.truth[row],
            "able": int(able[row]),
            "wrong": int(wrong[row]),
            "disagreement": float(disagreement[row]),
            "answers": {name: names[answer] for name, answer in zip(candidates, answers[:, row], strict=True)},
        }
        clip = HardClip.model_validate(corpus.clips.clips[row], from_attributes=True)
        listed[row] = clip.model_copy(update=update)
    return HardClips(
        corpus=corpus.corpus.name,
        candidates=len(candidates),
        most_wrong=tuple(listed[row] for row in hardest if wrong[row]),
        most_disputed=tuple(listed[row] for row in disputed if disagreement[row]),
    )


def _disagreement(answers: NDArray[np.int64], emotions: int) -> NDArray[np.float64]:
    """The entropy of the answers to each clip in nats, shape (clips,); 0 with fewer than two answers."""
    counts = np.stack([(answers == number).sum(axis=0) for number in range(emotions)], axis=1)
    disagreement = np.zeros(answers.shape[1])
    several = counts.sum(axis=1) >= _MIN_ANSWERS
    disagreement[several] = entropy(counts[several], axis=1)
    return disagreement


def failed_clips(
    corpora: Sequence[CorpusEvaluations], find: Callable[[InferenceSetup], Mapping[str, Prediction]]
) -> Iterator[FailedClips]:
    """Give one row per corpus, candidate and reason; none where every candidate could process every clip."""
    for corpus in corpora:
        for evaluation in corpus.deciding:
            if not evaluation.failed_clips:
                continue
            stored = find(evaluation.record.setup)
            failed: defaultdict[str, list[str]] = defaultdict(list)
            for row in np.flatnonzero(~evaluation.answers.answered):
                clip = corpus.clips.clips[row]
                prediction = stored.get(clip.clip_hash or "")
                if prediction is not None and prediction.failure is not None:
                    failed[prediction.failure].append(clip.clip)
            for reason, names in failed.items():
                yield FailedClips(
                    candidate=evaluation.candidate,
                    corpus=evaluation.record.corpus,
                    reason=reason,
                    clips=len(names),
                    examples=tuple(names[:LISTED_FAILURES]),
                )
