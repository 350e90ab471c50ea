"""Scores of parts of a corpus: by sex, language, duration, or any column that the corpus has."""

from benchmark.results.schema import Stored


class GroupSize(Stored):
    """A part of a corpus that is scored.

    Attributes:
        group: The value that its clips have in common.
        clips: Scored clips that have it, of the compared emotions.
        speakers: How many speak in them.
    """

    group: str
    clips: int
    speakers: int


class LeftOutGroup(Stored):
    """A part of a corpus that is too small to be scored.

    Attributes:
        group: The value that its clips have in common.
        clips: Scored clips that have it.
        reason: What it lacks, in words.
    """

    group: str
    clips: int
    reason: str


class GroupScore(Stored):
    """How right a candidate is on one part of a corpus.

    Attributes:
        group: The value that its clips have in common.
        uar: Open UAR over the emotions that all compared groups have, with its interval in uar_low and uar_high.
        interval: How the interval was made: `speakers` or `wilson`.
    """

    group: str
    uar: float
    uar_low: float
    uar_high: float
    interval: str


class CandidateGroups(Stored):
    """How right a candidate is on each part of a corpus, and how far the parts lie from each other.

    Attributes:
        candidate: What tables call it.
        scores: One for each compared group, in the order of `CorpusGroups.groups`.
        best: The group with the highest UAR; None with fewer than two groups.
        worst: The one with the lowest.
        gap: The difference of the two, with its interval in gap_low and gap_high; a gap_low of 0 says that chance may
            have made it.
    """

    candidate: str
    scores: tuple[GroupScore, ...]
    best: str | None = None
    worst: str | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None


class CorpusGroups(Stored):
    """One way of taking a corpus apart.

    Attributes:
        corpus: What tables call it.
        column: `sex`, `language`, `duration`, or a column of the corpus.
        emotions: Those that every compared group has enough clips of: UAR of a group runs over them.
        omitted: Emotions of the corpus that some compared group has too few clips of.
        groups: Those that are scored.
        left_out: Those that are too small, the largest first, as far as they are listed.
        left_out_more: How many more there are.
        unknown_clips: Scored clips of which the corpus does not say it.
        problem: Why no group is scored, or nothing compared; None where at least two are.
        candidates: One for each candidate that was scored on the corpus.
    """

    corpus: str
    column: str
    emotions: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    groups: tuple[GroupSize, ...] = ()
    left_out: tuple[LeftOutGroup, ...] = ()
    left_out_more: int = 0
    unknown_clips: int = 0
    problem: str | None = None
    candidates: tuple[CandidateGroups, ...] = ()
