"""A race: which candidates cannot win, judged at a few planned looks, so that they need not answer the other clips.

The clips are dealt to `LOOKS` looks, alike for all candidates; every speaker and every emotion has its share in each,
as far as there are clips. After each look but the last, candidates leave that are significantly worse than the leading
one. With J candidates each test has the level 0.05 / (LOOKS · (J − 1)): the best candidate is only lost if at a look
one of the J − 1 others is found to be better than it, which happens in at most 5 % of races.

`speakers` tests whether a candidate is worse for speakers like these: the t of the jackknife over speakers, on which
ranks rest, too. `table` tests whether it would be worse once it had answered all clips of this corpus: the clips so far
are a sample of them without replacement. That is decided sooner, and says nothing of other speakers.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import stdtr

from benchmark.errors import RequestError
from benchmark.results.predictions import PredictionTable
from benchmark.results.runs import CorpusRecord, EvaluationRecord, RaceKind, RaceStop, RunRecord
from benchmark.scoring.compared_clips import knows_speakers
from benchmark.scoring.decisions import MIN_EMOTIONS, SpeakerCounts, count_by_speaker, open_decisions
from benchmark.scoring.evaluations import join_evaluation
from benchmark.scoring.heard_speakers import heard_speakers, spoken_by
from benchmark.scoring.intervals import NO_SPREAD, speakers_can_be_left_out
from benchmark.scoring.labels import LabelledClips, label_clips
from benchmark.scoring.leaderboard import FindPredictions
from benchmark.scoring.next_clips import separates
from benchmark.scoring.ranking import SIGNIFICANCE, SPEAKERS_TO_CHOOSE, PairedDifferences
from benchmark.scoring.trained_on import Seen

_HANDS = (1, 5, 4, 5, 3, 5, 4, 5, 2, 5, 4, 5, 3, 5, 4, 5)
"""The look of each hand that clips are dealt to: after the looks a sixteenth, an eighth, a quarter, half and all."""
LOOKS = max(_HANDS)
_SPEAKERS_PER_EMOTION = 2


def deal_clips(
    emotions: Sequence[str | None], speakers: Sequence[str | None], keys: Sequence[str]
) -> NDArray[np.int64]:
    """Deal clips to looks, as cards to hands, so that each look has its share of every speaker and every emotion.

    The emotions of a speaker follow each other in an order of the speaker's own, and a speaker begins at the hand after
    that of the last clip of the one before. The first look has clips of two speakers of each emotion, if there are.

    Args:
        emotions: Of each clip; clips without an emotion are in the last look.
        speakers: Of each clip.
        keys: The order of the clips of one speaker and emotion: hashes, so that nobody has chosen it.

    Returns:
        The look of each clip, from 1, shape (clips,).

    Examples:
        >>> deal_clips(["joy"] * 8 + [None], ["ann"] * 8 + [None], list("abcdefghi")).tolist()
        [1, 5, 4, 5, 3, 5, 4, 5, 5]
    """
    cells = sorted(
        (speaker or "", _shuffled(f"{speaker}/{emotion}"), key, place)
        for place, (speaker, emotion, key) in enumerate(zip(speakers, emotions, keys, strict=True))
        if emotion is not None
    )
    dealt = [place for *_, place in cells]
    looks = np.full(len(keys), LOOKS, dtype=np.int64)
    looks[dealt] = np.resize(_HANDS, len(dealt))
    in_first: defaultdict[str | None, set[str | None]] = defaultdict(set)
    for place in sorted(dealt, key=lambda own: int(looks[own])):
        present, speaker = in_first[emotions[place]], speakers[place]
        if len(present) < _SPEAKERS_PER_EMOTION and speaker not in present:
            looks[place] = 1
            present.add(speaker)
    return looks


def _shuffled(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()


@dataclass(frozen=True, eq=False, kw_only=True)
class Worse:
    """Which candidates are worse than the leading one, shape (candidates,)."""

    leader: int
    are_worse: NDArray[np.bool_]


def worse_for_speakers(counts: Sequence[SpeakerCounts], may_lead: Sequence[bool], entrants: int) -> Worse | None:
    """Find the candidates that are worse than the leading one for speakers like these.

    Args:
        counts: Of each candidate, on the clips so far.
        may_lead: Whether each may be the best, as those that were trained on the corpus may not.
        entrants: How many candidates began the race.

    Returns:
        None where nobody may lead, or speakers cannot be left out.
    """
    if not any(may_lead) or not speakers_can_be_left_out(counts[0].clips):
        return None
    paired = PairedDifferences.of(counts)
    leader = int(np.where(may_lead, paired.scores, -1.0).argmax())
    worse = _are_worse(paired.differences[leader], paired.errors[leader], paired.freedoms[leader], entrants)
    return Worse(leader=leader, are_worse=worse)


def worse_in_table(
    correct: NDArray[np.bool_],
    emotions: NDArray[np.int64],
    clips: NDArray[np.int64],
    may_lead: Sequence[bool],
    entrants: int,
) -> Worse | None:
    """Find the candidates that would have a lower UAR than the leading one once both had answered all clips.

    Within each emotion the clips so far are a sample without replacement. That speakers have their shares in it makes
    it more precise than this variance says. One difference of each sign is added to those of each emotion, so that few
    clips that agree are not taken for certainty.

    Args:
        correct: Whether the answers to the clips so far are right, shape (candidates, clips so far).
        emotions: Of the clips so far, as indices, shape (clips so far,).
        clips: How many clips of each emotion there are in all, shape (emotions,).
        may_lead: As of `worse_for_speakers`.
        entrants: As of `worse_for_speakers`.

    Returns:
        None where nobody may lead, or an emotion has no clip so far.
    """
    sizes = np.bincount(emotions, minlength=len(clips))
    if not any(may_lead) or not sizes.all():
        return None
    columns = [np.flatnonzero(emotions == emotion) for emotion in range(len(clips))]
    recalls = np.stack([correct[:, own].mean(axis=1) for own in columns], axis=1)
    scores = recalls.mean(axis=1)
    leader = int(np.where(may_lead, scores, -1.0).argmax())
    differences = recalls[leader] - recalls
    disagreeing = np.stack([(correct[:, own] != correct[leader, own]).sum(axis=1) for own in columns], axis=1)
    sums = differences * sizes
    variances = (disagreeing + 2 - sums**2 / (sizes + 2)) / (sizes + 1)
    parts = (1 - sizes / clips) * variances / sizes / len(clips) ** 2
    total = parts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # where all clips are answered nothing is uncertain
        freedoms = total**2 / (parts**2 / (sizes + 1)).sum(axis=1)
    return Worse(leader=leader, are_worse=_are_worse(scores[leader] - scores, np.sqrt(total), freedoms, entrants))


def _are_worse(
    differences: NDArray[np.float64], errors: NDArray[np.float64], freedoms: NDArray[np.float64], entrants: int
) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", divide="ignore"):
        p_values = np.where(errors > 0, stdtr(freedoms, -differences / errors), 0.0)
    level = SIGNIFICANCE / (LOOKS * max(entrants - 1, 1))
    return np.asarray((differences >= NO_SPREAD) & (p_values < level), dtype=np.bool_)


def require_race(kind: RaceKind, corpus: CorpusRecord) -> None:
    """Refuse a race on a corpus that cannot decide one.

    Raises:
        RequestError: It has too few emotions or speakers, or its clips were chosen by answers.
    """
    if separates(corpus.clips):
        raise RequestError(
            f"The clips of {corpus.name} were chosen to separate candidates (`bench next`), so that a race would be "
            "decided by chosen clips: leave --race out."
        )
    clips = label_clips(corpus).compared
    emotions = {emotion for emotion in clips.truth if emotion is not None}
    if len(emotions) < MIN_EMOTIONS:
        raise RequestError(
            f"A race is decided by right answers, and the labels of {corpus.name} mean {len(emotions)} emotions: leave "
            "--race out, or name a corpus with labels."
        )
    speakers = _scored_speakers(clips)
    if kind == "speakers" and speakers < SPEAKERS_TO_CHOOSE:
        raise RequestError(
            f"A race needs {SPEAKERS_TO_CHOOSE} speakers to tell who is worse for speakers like these, and "
            f"{corpus.name} names {speakers}: leave --race out, or use --race table, which claims nothing about other "
            "speakers."
        )


def _scored_speakers(clips: LabelledClips) -> int:
    if not knows_speakers(clips.truth, clips.speakers):
        return 0
    pairs = zip(clips.speakers, clips.truth, strict=True)
    return len({speaker for speaker, emotion in pairs if emotion is not None and speaker is not None})


@dataclass(frozen=True, eq=False, kw_only=True)
class RaceJudge:
    """Plans the looks of a race, and decides after each who leaves.

    Attributes:
        run: The run, without corpora and evaluations.
        predictions: Finds the stored predictions of a setup.
        rank_seen: Whether candidates that were trained on the corpus are ranked.
        rare_classes: Whether clips of rare emotions are scored.
    """

    kind: RaceKind
    run: RunRecord
    predictions: FindPredictions
    rank_seen: bool = False
    rare_classes: Literal["keep", "drop"] = "keep"

    @property
    def looks(self) -> int:
        """How many looks there are; after the last one nobody leaves."""
        return LOOKS

    def plan(self, corpus: CorpusRecord) -> CorpusRecord:
        """Give each clip its look; clips on which no rank rests are in the last one.

        Raises:
            RequestError: The corpus cannot decide a race.
        """
        corpus = self._as_scored(corpus)
        require_race(self.kind, corpus)
        clips = label_clips(corpus).compared
        first: dict[str, int] = {}  # copies of a recording have one look
        for place, clip_hash in enumerate(clips.clip_hashes.to_pylist()):
            first.setdefault(clip_hash, place)
        truth, speakers = ([values[place] for place in first.values()] for values in (clips.truth, clips.speakers))
        looks = dict(zip(first, deal_clips(truth, speakers, list(first)).tolist(), strict=True))
        planned = (replace(clip, look=looks.get(clip.clip_hash or "")) for clip in corpus.clips)
        return corpus.model_copy(update={"clips": tuple(planned), "race": self.kind})

    def stops(
        self,
        corpus: CorpusRecord,
        evaluations: Sequence[EvaluationRecord],
        *,
        racing: Collection[str],
        entrants: int,
        look: int,
    ) -> dict[str, RaceStop]:
        """Decide who leaves after a look.

        Compared are all candidates that have answered the clips so far, also those that have answered all others, such
        as tables of answers. One that was trained on the corpus can leave, and does not lead unless it is ranked.

        Args:
            corpus: As it was planned, without clips that could not be read any more.
            evaluations: Of all candidates.
            racing: The candidates that may leave.
            entrants: How many began the race.
            look: The look that has ended.
        """
        run = self.run.model_copy(update={"corpora": (corpus,), "evaluations": tuple(evaluations)})
        whole = label_clips(corpus)
        heard = {} if self.rank_seen else heard_speakers(run, corpus, whole)
        known = {speaker for speaker in whole.speakers if speaker is not None}
        clips = spoken_by(whole, known.difference(*heard.values())).compared if heard else whole.compared
        if self.kind == "speakers" and _scored_speakers(clips) < SPEAKERS_TO_CHOOSE:
            return {}
        asked = _asked(clips, look)
        emotions = sorted({emotion for emotion in clips.truth if emotion is not None})
        if set(asked.truth) != set(emotions):
            return {}
        verdicts = {verification.candidate: verification for verification in run.verifications}
        names, may_lead = list[str](), list[bool]()
        correct, counts = list[NDArray[np.bool_]](), list[SpeakerCounts]()  # of all candidates, so in their short form
        for record in evaluations:
            predictions = PredictionTable.of_mapping(self.predictions(record.setup), labels=len(record.setup.labels))
            own = join_evaluation(record, verdicts[record.candidate], corpus, predictions, asked)
            if record.failure is not None or not own.complete:
                continue
            decisions = open_decisions(own.answers)
            if self.kind == "table":
                correct.append(decisions.correct)
            elif (by_speaker := count_by_speaker(decisions, asked.speakers)) is not None:
                counts.append(by_speaker)
            else:  # none of them names all speakers
                return {}
            names.append(record.candidate)
            may_lead.append(self.rank_seen or own.seen is not Seen.YES or record.candidate in heard)
        if not names:
            return {}
        if self.kind == "table":
            totals = np.array([clips.truth.count(emotion) for emotion in emotions])
            truth = np.array([emotions.index(emotion or "") for emotion in asked.truth])
            worse = worse_in_table(np.stack(correct), truth, totals, may_lead, entrants)
        else:
            worse = worse_for_speakers(counts, may_lead, entrants)
        if worse is None:
            return {}
        leaving = [name for name, leaves in zip(names, worse.are_worse, strict=True) if leaves and name in racing]
        return {name: RaceStop(look=look, leader=names[worse.leader]) for name in leaving}

    def _as_scored(self, corpus: CorpusRecord) -> CorpusRecord:
        return corpus.model_copy(update={"rare_classes": self.rare_classes})


def _asked(clips: LabelledClips, look: int) -> LabelledClips:
    """The compared clips of the looks up to this one."""
    chosen = [
        place
        for place, (clip, emotion) in enumerate(zip(clips.clips, clips.truth, strict=True))
        if emotion is not None and clip.look is not None and clip.look <= look
    ]
    return replace(
        clips,
        clips=tuple(clips.clips[place] for place in chosen),
        clip_hashes=clips.clip_hashes.take(pa.array(chosen, type=pa.int64())),
        truth=tuple(clips.truth[place] for place in chosen),
        speakers=tuple(clips.speakers[place] for place in chosen),
        votes=tuple(clips.votes[place] for place in chosen),
    )
