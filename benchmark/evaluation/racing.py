"""A race between candidates: at planned looks those leave that cannot win, and are asked no more clips."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.out_of_fold import SubjectCorpora
from benchmark.progress import Progress
from benchmark.results.runs import CorpusRecord, EvaluationRecord, RaceStop


class RaceJudge(Protocol):
    """Plans the looks of a race, and decides who leaves."""

    @property
    def looks(self) -> int:
        """How many looks there are; after the last one nobody leaves."""

    def plan(self, corpus: CorpusRecord) -> CorpusRecord:
        """Give each clip its look.

        Raises:
            RequestError: The corpus cannot decide a race.
        """

    def stops(
        self,
        corpus: CorpusRecord,
        evaluations: Sequence[EvaluationRecord],
        *,
        racing: Collection[str],
        entrants: int,
        look: int,
    ) -> Mapping[str, RaceStop]:
        """Decide which of the racing candidates leave after a look; `entrants` is the number that began."""


@dataclass(eq=False, kw_only=True)
class Race:
    """A race that is being run.

    Attributes:
        corpus: With a look for each clip.
        shares: What each candidate answers without the race; one without clips has answered all.
        stops: Who has left.
        failed: The candidates that are not asked before the last look, as they have failed.
    """

    judge: RaceJudge
    corpus: CorpusRecord
    shares: Mapping[str, SubjectCorpora]
    stops: dict[str, RaceStop] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def asked(self, look: int) -> dict[str, SubjectCorpora]:
        """What each candidate answers up to a look; those that have left, what they were asked."""
        looks = {clip.clip_hash: clip.look for clip in self.corpus.clips if clip.clip_hash is not None}
        shares, parts = {}, dict[tuple[int, int], ClipSet]()  # candidates that are asked alike share their clips
        for name, share in self.shares.items():
            last = self.stops[name].look if name in self.stops else look
            if (key := (id(share.clips), last)) not in parts:
                chosen = {clip_hash for clip_hash, own in looks.items() if own is not None and own <= last}
                parts[key] = share.clips.only(chosen)
            shares[name] = replace(share, own=parts[key])
        return shares

    def decide(
        self, look: int, corpus: CorpusRecord, evaluations: Sequence[EvaluationRecord], progress: Progress
    ) -> None:
        """Let those leave who cannot win, and say so.

        Args:
            look: The look that has ended.
            corpus: Without clips that could not be read any more.
            evaluations: Of all candidates, after this look.
            progress: Shows who leaves.
        """
        self.failed |= {record.candidate for record in evaluations if record.failure is not None}
        racing = {name for name, share in self.shares.items() if share.inferred} - self.stops.keys() - self.failed
        leaving = self.judge.stops(corpus, evaluations, racing=racing, entrants=len(self.shares), look=look)
        self.stops |= leaving
        remaining = len(racing) - len(leaving)
        who = f": {', '.join(leaving)}" if leaving else ""
        progress.note(f"Race, look {look} of {self.judge.looks}: {len(leaving)} leave, {remaining} go on{who}.")
