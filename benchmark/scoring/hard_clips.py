"""Clips to listen to: those that candidates get wrong, disagree on, or could not process, and all answers to them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from benchmark.results.analyses import LISTED_FAILURES, AnsweredClip, ClipAnswers, FailedClips, HardClip, HardClips
from benchmark.scoring.answers import NO_EMOTION, Answers
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
    emotions, truth, answers = _answers(candidates)
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


def clip_answers(corpus: CorpusEvaluations, *, corpora: int = 1) -> ClipAnswers | None:
    """List clips with all answers, in the order of the corpus; of a large one those that most candidates miss.

    Args:
        corpora: How many corpora share the answers that a page can hold.
    """
    candidates = _answering(corpus)
    if not candidates or not corpus.clips.clips:
        return None
    emotions, truth, answers = _answers(candidates)
    most = min(MOST_CLIPS, max(1, MOST_ANSWERS // (corpora * len(candidates))))
    misses = (answers != truth).sum(axis=0)
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
        answers={name: tuple(own.tolist()) for name, own in zip(candidates, answers[:, rows], strict=True)},
    )  # fmt: skip


def _answering(corpus: CorpusEvaluations) -> dict[str, Answers]:
    return {own.candidate: own.answers for own in corpus.complete if own.answers.classes}


def _answers(candidates: Mapping[str, Answers]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """All emotions, and as indices among them the truth, shape (clips,), and answers, shape (candidates, clips)."""
    emotions = sorted({name for own in candidates.values() for name in (*own.emotions, *own.classes)})
    truth = next(iter(candidates.values())).index_among(emotions)
    return emotions, truth, np.stack([own.chosen_among(emotions) for own in candidates.values()])


def _disagreement(answers: NDArray[np.int64], emotions: int) -> NDArray[np.float64]:
    """The entropy of the answers to each clip in nats, shape (clips,); 0 with fewer than two answers."""
    counts = np.stack([(answers == number).sum(axis=0) for number in range(emotions)], axis=1)
    disagreement = np.zeros(answers.shape[1])
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
