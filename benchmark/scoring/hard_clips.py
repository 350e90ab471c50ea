"""Clips to listen to: those that candidates get wrong, disagree on, or could not process."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from benchmark.results.analyses import LISTED_FAILURES, FailedClips, HardClip, HardClips
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.scoring.answers import NO_ANSWER, Answers
from benchmark.scoring.evaluations import CorpusEvaluations

LISTED_CLIPS = 30
_MIN_ANSWERS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class _ClipTable:
    """The answers of all candidates to all clips, over all classes of the candidates and emotions of the corpus.

    Attributes:
        emotions: Their names.
        truth: Index of each clip's emotion, shape (clips,); `NO_ANSWER` where it has none.
        answers: Index of each answer, shape (candidates, clips); `NO_ANSWER` where there is none.
        belief: Mean probability of each clip's emotion, over the candidates that have it as a class; 0 without one.
        able: How many candidates have each clip's emotion as a class.
        wrong: How many of them do not answer it.
        disagreement: Entropy of the answers to each clip, in nats.
    """

    emotions: tuple[str, ...]
    truth: NDArray[np.int64]
    answers: NDArray[np.int64]
    belief: NDArray[np.float64]
    able: NDArray[np.int64]
    wrong: NDArray[np.int64]
    disagreement: NDArray[np.float64]


def hard_clips(corpus: CorpusEvaluations) -> HardClips:
    """Find the clips that candidates get wrong, and those on which they disagree.

    A candidate that does not have a clip's emotion as a class cannot answer it and is not counted among those that get
    it wrong. Of clips that are missed equally often those come first that more candidates could answer, then those to
    whose emotion they gave the lowest probability.
    """
    complete = [evaluation for evaluation in corpus.deciding if evaluation.complete and evaluation.answers.classes]
    name = corpus.corpus.name
    if not complete or not corpus.clips.clips:
        return HardClips(corpus=name, candidates=len(complete))
    table = _clip_table([evaluation.answers for evaluation in complete])
    share = table.wrong / np.maximum(table.able, 1)
    hardest = np.lexsort((table.belief, -table.able, -share))[:LISTED_CLIPS]
    disputed = np.argsort(-table.disagreement, kind="stable")[:LISTED_CLIPS]
    candidates = [evaluation.candidate for evaluation in complete]
    return HardClips(
        corpus=name,
        candidates=len(complete),
        most_wrong=tuple(_hard_clip(corpus, table, candidates, row) for row in hardest if table.wrong[row]),
        most_disputed=tuple(_hard_clip(corpus, table, candidates, row) for row in disputed if table.disagreement[row]),
    )


def _clip_table(candidates: Sequence[Answers]) -> _ClipTable:
    names = candidates[0].truth
    emotions = tuple(
        sorted({*(name for name in names if name), *(name for answers in candidates for name in answers.classes)})
    )
    index = {name: number for number, name in enumerate(emotions)}
    truth = np.array([NO_ANSWER if name is None else index[name] for name in names], dtype=np.int64)
    chosen, knows, probability = [], [], []
    for answers in candidates:
        # NO_ANSWER is -1 and picks the last entry.
        columns = np.array([*(index[name] for name in answers.classes), NO_ANSWER], dtype=np.int64)
        chosen.append(columns[answers.chosen])
        knows.append(np.isin(truth, columns[:-1]))
        spread = np.zeros((len(truth), len(emotions)))
        spread[:, columns[:-1]] = np.where(answers.answered[:, None], answers.probabilities, 0.0)
        probability.append(spread[np.arange(len(truth)), truth])
    answered, known = np.stack(chosen), np.stack(knows)
    able = known.sum(axis=0)
    counts = np.stack([(answered == number).sum(axis=0) for number in range(len(emotions))], axis=1)
    disagreement = np.zeros(len(truth))
    several = counts.sum(axis=1) >= _MIN_ANSWERS
    disagreement[several] = entropy(counts[several], axis=1)
    return _ClipTable(
        emotions=emotions,
        truth=truth,
        answers=answered,
        belief=np.where(known, probability, 0.0).sum(axis=0) / np.maximum(able, 1),
        able=able,
        wrong=(known & (answered != truth)).sum(axis=0),
        disagreement=disagreement,
    )


def _hard_clip(corpus: CorpusEvaluations, table: _ClipTable, candidates: Sequence[str], row: int) -> HardClip:
    clip, truth = corpus.clips.clips[row], table.truth[row]
    answers = [None if answer == NO_ANSWER else table.emotions[answer] for answer in table.answers[:, row]]
    return HardClip(
        clip=clip.clip,
        label=clip.label,
        emotion=None if truth == NO_ANSWER else table.emotions[truth],
        speaker=clip.speaker,
        duration_s=clip.duration_s,
        able=int(table.able[row]),
        wrong=int(table.wrong[row]),
        disagreement=float(table.disagreement[row]),
        answers=dict(zip(candidates, answers, strict=True)),
    )


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
