"""Clips to listen to: those that candidates get wrong, disagree on, or could not process, and all answers to them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from benchmark.results.analyses import LISTED_FAILURES, AnsweredClip, ClipAnswers, FailedClips, HardClip, HardClips
from benchmark.scoring.answers import NO_ANSWER, NO_EMOTION, Answers
from benchmark.scoring.evaluations import CorpusEvaluations

LISTED_CLIPS = 30
MOST_CLIPS, MOST_ANSWERS = 2_000, 150_000
"""Clips of a corpus and answers of a run in `ClipAnswers`: what a page can hold."""
_MIN_ANSWERS = 2


def hard_clips(corpus: CorpusEvaluations) -> HardClips:
    """Find the clips that candidates get wrong, and those on which they disagree.

    A candidate that does not have a clip's emotion as a class cannot answer it and is not counted among those that get
    it wrong. Of clips that are missed equally often those come first that more candidates could answer, then those to
    whose emotion these gave the lowest mean probability.
    """
    candidates = _answering(corpus)
    if not candidates or not corpus.clips.clips:
        return HardClips(corpus=corpus.corpus.name, candidates=len(candidates))
    emotions, truth = _truth(candidates)
    clips = np.arange(len(truth))
    able, wrong, belief = np.zeros_like(truth), np.zeros_like(truth), np.zeros(len(truth))
    answers = np.zeros((len(truth), len(emotions)), dtype=np.int64)
    for own in candidates.values():
        knows, answer = own.index_among(own.classes) != NO_EMOTION, own.chosen_among(emotions)
        # NO_EMOTION is -1 and picks the last column: a clip without an emotion is known to no candidate.
        given = np.nan_to_num(own.probabilities_of(emotions)[clips, truth])
        able, wrong, belief = able + knows, wrong + (knows & (answer != truth)), belief + np.where(knows, given, 0.0)
        answered = answer != NO_ANSWER
        answers[clips[answered], answer[answered]] += 1
    hardest = np.lexsort((belief / np.maximum(able, 1), -able, -(wrong / np.maximum(able, 1))))[:LISTED_CLIPS].tolist()
    disagreement = _disagreement(answers)
    disputed = np.argsort(-disagreement, kind="stable")[:LISTED_CLIPS].tolist()
    names = [*emotions, None]  # NO_ANSWER is -1 and picks the last one
    rows = [*hardest, *disputed]
    given_answers = _answers(candidates, emotions, np.array(rows, dtype=np.int64))
    listed = {}
    for column, row in enumerate(rows):
        update = {
            "emotion": corpus.clips.truth[row],
            "able": int(able[row]),
            "wrong": int(wrong[row]),
            "disagreement": float(disagreement[row]),
            "answers": {name: names[own[column]] for name, own in given_answers.items()},
        }
        clip = HardClip.model_validate(corpus.clips.clips[row], from_attributes=True)
        listed[row] = clip.model_copy(update=update)
    return HardClips(
        corpus=corpus.corpus.name,
        candidates=len(candidates),
        most_wrong=tuple(listed[row] for row in hardest if wrong[row]),
        most_disputed=tuple(listed[row] for row in disputed if disagreement[row]),
    )


def clip_answers(corpus: CorpusEvaluations, *, corpora: int = 1) -> ClipAnswers | None:
    """List clips with all answers, in the order of the corpus; of a large one those that most candidates miss.

    Args:
        corpora: How many corpora share the answers that a page can hold.
    """
    candidates = _answering(corpus)
    if not candidates or not corpus.clips.clips:
        return None
    emotions, truth = _truth(candidates)
    most = min(MOST_CLIPS, max(1, MOST_ANSWERS // (corpora * len(candidates))))
    misses = np.zeros_like(truth)
    for own in candidates.values():
        misses += own.chosen_among(emotions) != truth
    rows = np.sort(np.argsort(-misses, kind="stable")[:most])
    return ClipAnswers(
        corpus=corpus.corpus.name,
        total=len(corpus.clips.clips),
        classes=tuple(emotions),
        clips=tuple(
            AnsweredClip(
                clip=clip.clip, label=clip.label, emotion=corpus.clips.truth[row], speaker=clip.speaker,
                duration_s=clip.duration_s,
            )
            for row in rows.tolist()
            for clip in (corpus.clips.clips[row],)
        ),
        answers={name: tuple(own.tolist()) for name, own in _answers(candidates, emotions, rows).items()},
    )  # fmt: skip


def _answering(corpus: CorpusEvaluations) -> dict[str, Answers]:
    return {own.candidate: own.answers for own in corpus.complete if own.answers.classes}


def _truth(candidates: Mapping[str, Answers]) -> tuple[list[str], NDArray[np.int64]]:
    """All emotions that are meant or answered, and the index among them of each clip's, shape (clips,)."""
    emotions = sorted({name for own in candidates.values() for name in (*own.emotions, *own.classes)})
    return emotions, next(iter(candidates.values())).index_among(emotions)


def _answers(
    candidates: Mapping[str, Answers], emotions: Sequence[str], rows: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """The answers to some clips as indices among emotions, by candidate."""
    return {name: own.chosen_among(emotions)[rows] for name, own in candidates.items()}


def _disagreement(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The entropy of the answers to each clip in nats, shape (clips,); 0 with fewer than two answers.

    Args:
        counts: How often each emotion was answered, shape (clips, emotions).
    """
    disagreement = np.zeros(len(counts))
    several = counts.sum(axis=1) >= _MIN_ANSWERS
    shares = counts[several] / counts[several].sum(axis=1, keepdims=True)
    disagreement[several] = entr(shares).sum(axis=1)
    return disagreement


def failed_clips(corpora: Sequence[CorpusEvaluations]) -> Iterator[FailedClips]:
    """Give one row per corpus, candidate and reason; none where every candidate could process every clip."""
    for corpus in corpora:
        for evaluation in corpus.deciding:
            failed: defaultdict[str, list[str]] = defaultdict(list)
            for row, reason in evaluation.answers.failures.items():
                failed[reason].append(corpus.clips.clips[row].clip)
            for reason, names in failed.items():
                yield FailedClips(
                    candidate=evaluation.candidate,
                    corpus=evaluation.record.corpus,
                    reason=reason,
                    clips=len(names),
                    examples=tuple(names[:LISTED_FAILURES]),
                )
