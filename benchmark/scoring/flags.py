"""What a reader has to know before believing a row: one word each, and the sentence that explains it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.seen import main_name

FEW_CLIPS = 10


FEW_SPEAKERS = 6
TIED_FROM = 0.3


class Flag(StrEnum):
    """A warning that stands beside a row of the leaderboard, in the order in which they are listed."""

    INCOMPLETE = "incomplete"
    LATENCY_ONLY = "latency-only"
    ENSEMBLE = "ensemble"
    NO_CLIPS = "no-clips"
    NO_LABELS = "no-labels"
    ONE_EMOTION = "one-emotion"
    COLLAPSED = "collapsed"
    NARROW = "narrow"
    AT_CHANCE = "at-chance"
    MAJORITY_LIKE = "majority-like"
    LABEL_PERMUTED = "label-permuted"
    TOO_GOOD = "too-good"
    NEAR_TWINS = "near-twins"
    SEEN = "seen"
    REPAIRED = "repaired"
    REPAIR_CONFIRMED = "repair-confirmed"
    LOOSE_MAP = "loose-map"
    MULTI_LABEL = "multi-label"
    FAILED_CLIPS = "failed-clips"
    FEW_CLIPS = "few-clips"
    FEW_SPEAKERS = "few-speakers"
    DUPLICATES = "duplicates"
    TEXT_TIED = "text-tied"
    SPEAKER_TIED = "speaker-tied"
    FIXED_WINDOW = "fixed-window"
    NOISY = "noisy"
    LIMIT = "limit"
    SYNTHETIC = "synthetic"
    FALLBACK = "fallback"


FLAG_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        Flag.INCOMPLETE: "Some clips have neither answer nor failure, since the evaluation ended early: no scores.",
        Flag.LATENCY_ONLY: "It was timed with this number format and not evaluated with it: no scores.",
        Flag.ENSEMBLE: "Several candidates as one, by soft voting; never ranked, and its costs are theirs together.",
        Flag.NO_CLIPS: "Not one clip of the corpus could be read.",
        Flag.NO_LABELS: "No clip has a label that means an emotion: nothing to be right about, only how varied it is.",
        Flag.ONE_EMOTION: "All scored clips have one emotion: always answering that would be perfect; no ranks.",
        Flag.COLLAPSED: "At least 90 % of its answers are one emotion, far more than that emotion's share of clips.",
        Flag.NARROW: "At least 95 % of its answers are one emotion; without labels nobody can say whether rightly.",
        Flag.AT_CHANCE: "Its UAR is not shown to be better than guessing: one who does not listen may do as well.",
        Flag.MAJORITY_LIKE: "Nor is its accuracy shown to be better than the share of the most frequent emotion.",
        Flag.LABEL_PERMUTED: "Its answers are right under other names: its labels seem to be in another order.",
        Flag.TOO_GOOD: "It is better than anybody has published, or nearly perfect: rather trained on than skilled.",
        Flag.NEAR_TWINS: "It has the weights of another candidate, or its answers to 100 clips: count them once.",
        Flag.SEEN: "It was trained on this corpus, so that its scores say little about other audio; left out of ranks.",
        Flag.REPAIRED: "Usable only because a known non-standard head was rebuilt from the checkpoint's own weights.",
        Flag.REPAIR_CONFIRMED: "Its score comes within 0.10 of the one that its authors have published on this corpus.",
        Flag.LOOSE_MAP: "A coarse label, such as positive, stands for an emotion because the registry says so.",
        Flag.MULTI_LABEL: "Its head was trained with one yes or no per label; read with softmax like all the others.",
        Flag.FAILED_CLIPS: "Some clips could not be read (left out for all) or processed by it (counted as wrong).",
        Flag.FEW_CLIPS: "An emotion has fewer than 10 scored clips.",
        Flag.FEW_SPEAKERS: "Fewer than 6 speakers in scored clips, or nobody knows them: little follows for others.",
        Flag.DUPLICATES: "Some clips of the corpus are one recording, sample by sample: they count more than once.",
        Flag.TEXT_TIED: "What is said gives the emotion away: who knows the texts scores without hearing it.",
        Flag.SPEAKER_TIED: "Who speaks gives the emotion away: who knows the voices scores without hearing it.",
        Flag.FIXED_WINDOW: "A call costs the same however short the clip is, since it is filled up to the window.",
        Flag.NOISY: "Its latency was measured on a machine that had other things to do: repeat it on an idle one.",
        Flag.LIMIT: "Only a part of the corpus was heard, as --limit or --sample asked.",
        Flag.SYNTHETIC: "A program made the voices: nothing follows for people's.",
        Flag.FALLBACK: "Usable, with fewer emotions than --min-emotions asks for; therefore not evaluated.",
    }
)


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """What the flags of an evaluated row depend on.

    Attributes:
        complete: Whether every clip has an answer or a failure.
        readable_clips: Clips of the corpus that could be read.
        emotion_clips: Number of scored clips of each emotion that has any.
        speakers: Number of speakers of the scored clips; None where nobody knows.
        collapsed: Whether it answers the same almost always though the truth varies.
        narrow: The same on clips without labels.
        seen: Whether it was trained on this corpus.
        repaired: Whether its head was rebuilt.
        loose_map: Whether a coarse label of it or of the corpus stands for an emotion.
        multi_label: Whether its head was trained with one sigmoid per label.
        failed_clips: Clips that could not be read or not be processed.
        limited: Whether the corpus has more clips than the run was asked for.
        synthetic: Whether a program made the voices.
        duplicate_clips: Clips that are the same recording as an earlier one.
        text_tie: How strongly emotions are tied to texts, as Cramér's V; None where nobody knows.
        speaker_tie: The same of speakers.
        fixed_window: Whether a call costs the same however short the clip is.
        suspicions: What is suspicious in the answers themselves.
    """

    complete: bool
    readable_clips: int
    emotion_clips: tuple[int, ...]
    speakers: int | None
    collapsed: bool
    narrow: bool
    seen: bool
    repaired: bool
    loose_map: bool
    multi_label: bool
    failed_clips: int
    limited: bool
    synthetic: bool
    duplicate_clips: int = 0
    text_tie: float | None = None
    speaker_tie: float | None = None
    fixed_window: bool = False
    suspicions: frozenset[Flag] = frozenset()


def row_flags(facts: RowFacts) -> tuple[Flag, ...]:
    """The flags that the facts raise, in the order of `Flag`."""
    labelled = bool(facts.emotion_clips)
    raised = {
        Flag.INCOMPLETE: not facts.complete,
        Flag.NO_CLIPS: facts.readable_clips == 0,
        Flag.NO_LABELS: not labelled and facts.readable_clips > 0,
        Flag.ONE_EMOTION: len(facts.emotion_clips) == 1,
        Flag.COLLAPSED: facts.collapsed,
        Flag.NARROW: facts.narrow,
        Flag.SEEN: facts.seen,
        Flag.REPAIRED: facts.repaired,
        Flag.LOOSE_MAP: facts.loose_map,
        Flag.MULTI_LABEL: facts.multi_label,
        Flag.FAILED_CLIPS: facts.failed_clips > 0,
        Flag.FEW_CLIPS: labelled and min(facts.emotion_clips) < FEW_CLIPS,
        Flag.FEW_SPEAKERS: labelled and (facts.speakers or 0) < FEW_SPEAKERS,
        Flag.DUPLICATES: facts.duplicate_clips > 0,
        Flag.TEXT_TIED: (facts.text_tie or 0.0) >= TIED_FROM,
        Flag.SPEAKER_TIED: (facts.speaker_tie or 0.0) >= TIED_FROM,
        Flag.FIXED_WINDOW: facts.fixed_window,
        Flag.LIMIT: facts.limited,
        Flag.SYNTHETIC: facts.synthetic,
    }
    return tuple(flag for flag in Flag if flag in facts.suspicions or raised.get(flag, False))


CONFIRMED_WITHIN = 0.10
"""How far a score may lie from the published one."""


def with_confirmation(row: LeaderboardRow, verification: Verification) -> LeaderboardRow:
    """Say of a scored row whether it confirms the repair of its candidate.

    The weights of a rebuilt head do not tell its activation, which is assumed. Nothing is chosen by this: the score
    only speaks for or against what was assumed before.

    Args:
        row: The row of the candidate on one corpus, scored.
        verification: What is known of the candidate.

    Returns:
        The row, with the flag `repair-confirmed` where all published scores are met, or with the reason why not beside
        the flag `repaired`; as it was where nothing is published on its corpus.
    """
    said, corpus = verification.published, row.corpus
    if verification.status is not Status.REPAIRED or said is None or corpus is None:
        return row
    if main_name(said.corpus) != main_name(corpus):
        return row
    pairs = [
        (name, published, measured)
        for name, published, measured in (("UAR", said.uar, row.uar), ("accuracy", said.accuracy, row.accuracy))
        if published is not None and measured is not None and math.isfinite(measured)
    ]
    if not pairs:
        return row
    told = ", ".join(f"{name} {measured:.2f} here and {published:.2f} published" for name, published, measured in pairs)
    if all(abs(measured - published) <= CONFIRMED_WITHIN for _, published, measured in pairs):
        raised = {*row.flags, Flag.REPAIR_CONFIRMED.value}
        reasons = {Flag.REPAIR_CONFIRMED.value: f"{told}."}
    else:
        raised = set(row.flags)
        reasons = {Flag.REPAIRED.value: f"{told}: not confirmed."}
    flags = tuple(flag.value for flag in Flag if flag.value in raised)
    return row.model_copy(update={"flags": flags, "flag_reasons": row.flag_reasons | reasons})
