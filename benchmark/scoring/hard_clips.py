"""Which clips are worth listening to: those that candidates get wrong, and those on which they disagree."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from benchmark.results.analyses import LISTED_FAILURES, FailedClips, HardClip, HardClips
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, RunRecord
from benchmark.scoring.answers import NO_ANSWER, Answers
from benchmark.scoring.evaluations import CorpusBoard, StoredEvaluation
from benchmark.scoring.labels import readable_clips

LISTED_CLIPS = 30


_FEWEST_TO_DISAGREE = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class _Table:
    """What all candidates say to all clips, over the names that any of them or the corpus has.

    Attributes:
        emotions: All names.
        truth: Place of each clip's emotion, shape (clips,); `NO_ANSWER` where it has none.
        said: Place of each answer, shape (candidates, clips); `NO_ANSWER` where there is none.
        knows: Whether a candidate has a name, shape (candidates, emotions).
        belief: The mean probability, over the candidates that have a name for it, of each clip's emotion; 0 where
            there is none.
    """

    emotions: tuple[str, ...]
    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    knows: NDArray[np.bool_]
    belief: NDArray[np.float64]

    @cached_property
    def able(self) -> NDArray[np.int64]:
        """How many candidates have a name for each clip's emotion."""
        return np.where(self.truth == NO_ANSWER, 0, self.knows.sum(axis=0)[self.truth]).astype(np.int64)

    @cached_property
    def wrong(self) -> NDArray[np.int64]:
        """How many of them do not answer it."""
        missed = self.knows[:, self.truth] & (self.said != self.truth)
        return np.where(self.truth == NO_ANSWER, 0, missed.sum(axis=0)).astype(np.int64)

    @cached_property
    def disagreement(self) -> NDArray[np.float64]:
        """Entropy of the answers to each clip, in nats."""
        votes = np.stack([(self.said == place).sum(axis=0) for place in range(len(self.emotions))], axis=1)
        answered = votes.sum(axis=1) >= _FEWEST_TO_DISAGREE
        found = np.zeros(len(votes))
        found[answered] = entropy(votes[answered], axis=1)
        return found


def hard_clips(corpus: CorpusRecord, evaluated: Sequence[StoredEvaluation]) -> HardClips:
    """Find the clips that candidates get wrong, and those on which they disagree.

    A candidate that has no name for a clip's emotion cannot know it and is not counted among those who get it wrong.
    Of clips that are missed equally often those come first that more candidates could know, then those whose emotion
    they believed in least.

    Args:
        corpus: As the run met it.
        evaluated: One evaluation per candidate on this corpus; those with missing answers are left out.
    """
    complete = [one for one in evaluated if one.complete and one.answers.classes]
    clips = readable_clips(corpus)
    if not complete or not clips:
        return HardClips(corpus=corpus.name, candidates=len(complete))
    table = _table([one.answers for one in complete])
    share = table.wrong / np.maximum(table.able, 1)
    hardest = np.lexsort((table.belief, -table.able, -share))[:LISTED_CLIPS]
    disputed = np.argsort(-table.disagreement, kind="stable")[:LISTED_CLIPS]
    names = [one.evaluation.candidate for one in complete]
    return HardClips(
        corpus=corpus.name,
        candidates=len(complete),
        most_wrong=tuple(_clip(clips, table, names, place) for place in hardest if table.wrong[place]),
        most_disputed=tuple(_clip(clips, table, names, place) for place in disputed if table.disagreement[place] > 0),
    )


def _table(answers: Sequence[Answers]) -> _Table:
    truth = answers[0].truth
    named = {name for one in answers for name in one.classes} | {name for name in truth if name is not None}
    emotions = tuple(sorted(named))
    place = {name: index for index, name in enumerate(emotions)}
    right = np.array([NO_ANSWER if name is None else place[name] for name in truth], dtype=np.int64)
    said, knows, believed = [], [], []
    for one in answers:
        # The entry behind the last is for clips without an answer: NO_ANSWER, which is -1, finds it.
        columns = np.array([*(place[name] for name in one.classes), NO_ANSWER], dtype=np.int64)
        said.append(columns[one.chosen])
        chances = np.full((len(truth), len(emotions)), np.nan)
        chances[:, columns[:-1]] = np.where(one.answered[:, None], one.probabilities, 0.0)
        believed.append(chances[np.arange(len(truth)), right])
        knows.append(np.isin(np.arange(len(emotions)), columns))
    known = np.isfinite(believed) & (right != NO_ANSWER)
    total = np.where(known, believed, 0.0).sum(axis=0)
    belief = total / np.maximum(known.sum(axis=0), 1)
    return _Table(emotions=emotions, truth=right, said=np.stack(said), knows=np.stack(knows), belief=belief)


def _clip(clips: Sequence[ClipRecord], table: _Table, names: Sequence[str], place: int) -> HardClip:
    said = [None if answer == NO_ANSWER else table.emotions[answer] for answer in table.said[:, place]]
    truth = table.truth[place]
    return HardClip(
        clip=clips[place].clip,
        label=clips[place].label,
        emotion=None if truth == NO_ANSWER else table.emotions[truth],
        speaker=clips[place].speaker,
        duration_s=clips[place].duration_s,
        able=int(table.able[place]),
        wrong=int(table.wrong[place]),
        disagreement=float(table.disagreement[place]),
        answers=dict(zip(names, said, strict=True)),
    )


def failed_clips(
    record: RunRecord,
    boards: Sequence[CorpusBoard],
    predictions: Callable[[InferenceSetup], Mapping[str, Prediction]],
) -> Iterator[FailedClips]:
    """Give one row per corpus, candidate and reason; none where every candidate could process every clip.

    Args:
        record: The run.
        boards: What the candidates said, one for each of the record's corpora.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.
    """
    for corpus, board in zip(record.corpora, boards, strict=True):
        clips = readable_clips(corpus)
        for candidate in dict.fromkeys(one.evaluation.candidate for one in board.evaluated):
            deciding = board.of(candidate)[0]
            # What is stored is read once more where there is something to tell, which is seldom.
            if _failed(deciding):
                yield from _by_reason(deciding, clips, predictions(deciding.evaluation.setup))


def _failed(one: StoredEvaluation) -> int:
    return len(one.answers.truth) - int(one.answers.answered.sum()) - one.answers.missing


def _by_reason(
    one: StoredEvaluation, clips: Sequence[ClipRecord], stored: Mapping[str, Prediction]
) -> Iterator[FailedClips]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for place in (~one.answers.answered).nonzero()[0].tolist():
        prediction = stored.get(clips[place].clip_hash or "")
        if prediction is not None and prediction.failure is not None:
            names[prediction.failure].append(clips[place].clip)
    for reason, failed in names.items():
        yield FailedClips(
            candidate=one.evaluation.candidate,
            corpus=one.evaluation.corpus,
            reason=reason,
            clips=len(failed),
            examples=tuple(failed[:LISTED_FAILURES]),
        )
