"""The flags of a leaderboard's rows: thresholds, meanings, and the rules by which they are raised.

A flag is what a reader has to know before believing a row. To add one: add it to `Flag`, and its rule to
`row_flags`; a flag that rests on the answers themselves, with a reason, belongs to `suspicion.py`.
"""

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.runs import ClipRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.collapse_and_diversity import COLLAPSED_SHARE, NARROW_SHARE, Diversity
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.telling_recordings import beat_guessing, silence_against_guessing
from benchmark.scoring.trained_on import Seen, main_name

FEW_CLIPS_BELOW = 10
FEW_SPEAKERS_BELOW = 6
TIED_FROM = 0.3
"""Cramér's V from which texts, or speakers, are tied to emotions."""
MOST_OUTSIDE = 0.1
"""The share of clips beyond the lengths of training from which a candidate is flagged."""
CONFIRMED_WITHIN = 0.10
"""How far a score may be from the published one to confirm a rebuilt head."""


class Flag(StrEnum):
    """A warning beside a row of the leaderboard, with its meaning in a sentence, in the order of listing."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member of its value and its meaning."""
        flag = str.__new__(cls, value)
        flag._value_, flag.meaning = value, meaning
        return flag

    INCOMPLETE = (
        "incomplete",
        "Some clips have neither answer nor failure, since the evaluation ended early: no scores.",
    )
    STOPPED = (
        "stopped",
        "A race (`--race`) stopped it before its last clip, as it could not win: no scores, no rank.",
    )
    LATENCY_ONLY = "latency-only", "It was timed with this number format and not evaluated with it: no scores."
    ENSEMBLE = "ensemble", "Several candidates as one, by soft voting; never ranked, and its costs are theirs together."
    NO_CLIPS = "no-clips", "Not one clip of the corpus could be read."
    NO_LABELS = (
        "no-labels",
        "No clip has a label that means an emotion: nothing to be right about, only how varied it is.",
    )
    ONE_EMOTION = "one-emotion", "All scored clips have one emotion: always answering that would be perfect; no ranks."
    SEPARATING = (
        "separating",
        "Its clips were chosen to separate the candidates (`bench next --for pick`): they say who may be the best, and "
        "nothing about scores.",
    )
    COLLAPSED = (
        "collapsed",
        f"At least {100 * COLLAPSED_SHARE:.0f} % of its answers are one emotion, and so are most of those to clips of "
        "other emotions.",
    )
    NARROW = (
        "narrow",
        f"At least {100 * NARROW_SHARE:.0f} % of its answers are one emotion; without labels nobody can "
        "say whether rightly.",
    )
    AT_CHANCE = "at-chance", "It guesses, or is little better: one who does not listen does as well."
    CANNOT_TELL = (
        "cannot-tell",
        "It may be guessing, and may be much better: there are too few clips, or too few speakers, to tell.",
    )
    MAJORITY_LIKE = (
        "majority-like",
        "Nor is its accuracy shown to be better than the share of the most frequent emotion.",
    )
    LABEL_PERMUTED = (
        "label-permuted",
        "Its answers are right under other names: its labels seem to be in another order.",
    )
    TOO_GOOD = "too-good", "It is better than anybody has published, or nearly perfect: rather trained on than skilled."
    NEAR_TWINS = "near-twins", "It has the weights of another candidate, or its answers to 100 clips: count them once."
    SEEN = "seen", "It was trained on this corpus, so that its scores say little about other audio; left out of ranks."
    UNEVEN_SPEAKERS = (
        "uneven-speakers",
        "Next to the others it is better on speakers that are a usual training set: a suspicion, no proof, that it was "
        "trained on them.",
    )
    ADAPTED = (
        "adapted",
        "Trained on other speakers of this corpus: it has heard the same room and sentences, only the speakers are "
        "new.",
    )
    REPAIRED = (
        "repaired",
        "Usable only because a known non-standard head was rebuilt from the checkpoint's own weights.",
    )
    REPAIR_CONFIRMED = (
        "repair-confirmed",
        f"Its score comes within {CONFIRMED_WITHIN:.2f} of the one that its authors have published on this corpus.",
    )
    LOOSE_MAP = "loose-map", "A coarse label, such as positive, stands for an emotion because the registry says so."
    MULTI_LABEL = (
        "multi-label",
        "Its head was trained with one yes or no per label; read with softmax like all the others.",
    )
    FAILED_CLIPS = (
        "failed-clips",
        "Some clips could not be read (left out for all) or processed by it (counted as wrong).",
    )
    FEW_CLIPS = "few-clips", f"An emotion has fewer than {FEW_CLIPS_BELOW} scored clips."
    FEW_SPEAKERS = (
        "few-speakers",
        f"Fewer than {FEW_SPEAKERS_BELOW} speakers in scored clips, or nobody knows them: little follows for others.",
    )
    DUPLICATES = (
        "duplicates",
        "Some clips of the corpus are one recording, sample by sample: they count more than once.",
    )
    TEXT_TIED = "text-tied", "What is said gives the emotion away: who knows the texts scores without hearing it."
    SPEAKER_TIED = "speaker-tied", "Who speaks gives the emotion away: who knows the voices scores without hearing it."
    LENGTH_TIED = "length-tied", "How long a clip is gives the emotion away."
    LEVEL_TIED = "level-tied", "How loud a clip is gives the emotion away."
    SILENCE_TELLS = (
        "silence-tells",
        "A linear model on duration, level and pauses alone beats guessing on speakers that it does not know.",
    )
    OUTSIDE_LENGTH = (
        "outside-length",
        f"More than {100 * MOST_OUTSIDE:.0f} % of the clips are shorter or longer than all that it was trained on.",
    )
    FIXED_WINDOW = (
        "fixed-window",
        "A call costs the same however short the clip is, since it is filled up to the window.",
    )
    STATED_LATENCY = (
        "stated-latency",
        "Its latency is what its table says, for whole clips and on a machine that is not known: no comparison.",
    )
    NOISY = "noisy", "Its latency was measured on a machine that had other things to do: repeat it on an idle one."
    LIMIT = "limit", "Only a part of the corpus was heard, as --limit or --sample asked."
    SYNTHETIC = "synthetic", "A program made the voices: nothing follows for people's."
    FALLBACK = "fallback", "Usable, with fewer emotions than --min-emotions asks for; therefore not evaluated."


FLAG_MEANINGS: Mapping[str, str] = MappingProxyType({flag.value: flag.meaning for flag in Flag})


def in_order(flags: Collection[str]) -> tuple[str, ...]:
    """The flags in the order of `Flag`, each once."""
    return tuple(flag.value for flag in Flag if flag.value in flags)


def row_flags(
    evaluation: Evaluation, summary: CorpusSummary, variety: Diversity | None, suspicions: Collection[Flag] = ()
) -> tuple[str, ...]:
    """The flags of an evaluated row, in the order of `Flag`; `suspicions` rest on the answers themselves."""
    verification, emotion_clips = evaluation.verification, tuple(summary.emotion_clips.values())
    counts = evaluation.compared.counts
    speakers = 0 if counts is None else len(counts.clips)
    raised = {
        Flag.INCOMPLETE: not (evaluation.complete or evaluation.is_stopped),
        Flag.STOPPED: evaluation.is_stopped,
        Flag.NO_CLIPS: not summary.clips,
        Flag.NO_LABELS: bool(summary.clips) and not emotion_clips,
        Flag.ONE_EMOTION: len(emotion_clips) == 1,
        Flag.COLLAPSED: variety is not None and bool(variety.collapsed),
        Flag.NARROW: variety is not None and variety.narrow,
        Flag.SEEN: evaluation.seen == Seen.YES,
        Flag.ADAPTED: evaluation.adapted,
        Flag.REPAIRED: verification.status == Status.REPAIRED,
        Flag.LOOSE_MAP: evaluation.loose_map,
        Flag.MULTI_LABEL: verification.multi_label,
        Flag.FAILED_CLIPS: bool(summary.unreadable) or evaluation.failed_clips > 0,
        Flag.FEW_CLIPS: bool(emotion_clips) and min(emotion_clips) < FEW_CLIPS_BELOW,
        Flag.FEW_SPEAKERS: bool(emotion_clips) and speakers < FEW_SPEAKERS_BELOW,
        Flag.DUPLICATES: summary.duplicate_clips > 0,
        Flag.TEXT_TIED: (summary.text_tie or 0.0) >= TIED_FROM,
        Flag.SPEAKER_TIED: (summary.speaker_tie or 0.0) >= TIED_FROM,
        Flag.LENGTH_TIED: (summary.length_tie or 0.0) >= TIED_FROM,
        Flag.LEVEL_TIED: (summary.level_tie or 0.0) >= TIED_FROM,
        Flag.SILENCE_TELLS: beat_guessing(summary.silence_uar_low, len(summary.compared_emotions)),
        Flag.FIXED_WINDOW: bool(verification.fixed_window),
        Flag.STATED_LATENCY: evaluation.stated_latency is not None,
        Flag.LIMIT: summary.available_clips > summary.clips + len(summary.unreadable),
        Flag.SYNTHETIC: summary.synthetic,
    }
    return in_order({*suspicions, *(flag for flag, is_raised in raised.items() if is_raised)})


def stopping_reasons(evaluation: Evaluation) -> dict[Flag, str]:
    """Why a race has stopped a candidate, if it has."""
    stop, clips = evaluation.record.stopped, len(evaluation.answers.truth)
    if stop is None or not evaluation.is_stopped:
        return {}
    after = f"after {clips - evaluation.unasked_clips:,} of {clips:,} clips"
    return {Flag.STOPPED: f"{after}, at look {stop.look} of the race, it was worse than {stop.leader}."}


def training_reasons(evaluation: Evaluation) -> dict[Flag, str]:
    """The figures behind `seen` and `adapted`, where there are some."""
    clips, reasons = len(evaluation.answers.truth), {}
    if evaluation.record.heard_clips and evaluation.seen == Seen.YES:
        reasons[Flag.SEEN] = f"it was trained on {evaluation.record.heard_clips} of these {clips} clips."
    folds = evaluation.record.setup.head_parameters.get("folds")
    if evaluation.adapted and folds is not None:
        reasons[Flag.ADAPTED] = (
            f"{clips} clips in {folds} folds, each answered by a model that was trained without its speaker; the "
            "interval is that of the recipe, latency and size are those of the final model, which was trained on all."
        )
    if evaluation.heard_speakers:
        speakers = f"{evaluation.heard_speakers} speaker{'s' if evaluation.heard_speakers > 1 else ''}"
        on_them = "" if evaluation.heard_uar is None else f", where its UAR is {evaluation.heard_uar:.2f}"
        reasons[Flag.ADAPTED] = f"it was trained on {speakers} of the corpus{on_them}; all are scored on the others."
    return reasons


def length_reasons(verification: Verification, clips: Collection[ClipRecord]) -> dict[Flag, str]:
    """The figures behind `outside-length`, where it is raised; clips of unknown duration do not count."""
    durations = [clip.duration_s for clip in clips if clip.duration_s is not None]
    if verification.trained_seconds is None or not durations:
        return {}
    shortest, longest = verification.trained_seconds
    outside = sum(not shortest <= duration <= longest for duration in durations)
    if outside <= MOST_OUTSIDE * len(durations):
        return {}
    return {
        Flag.OUTSIDE_LENGTH: f"{outside} of {len(durations)} clips are shorter than {shortest:g} s or longer than "
        f"{longest:g} s, the lengths that it was trained on."
    }


def corpus_reasons(summary: CorpusSummary) -> dict[Flag, str]:
    """The figures behind `silence-tells`, where it is raised."""
    uar, low, emotions = summary.silence_uar, summary.silence_uar_low, len(summary.compared_emotions)
    if uar is None or low is None or not beat_guessing(low, emotions):
        return {}
    return {Flag.SILENCE_TELLS: f"{silence_against_guessing(uar, low, emotions)}."}


def with_confirmation(row: LeaderboardRow, verification: Verification) -> LeaderboardRow:
    """Add the flag `repair-confirmed` where all published scores are met, else the reason why not, under `repaired`.

    The weights of a rebuilt head do not determine its activation, which is assumed. Nothing is chosen by the score: it
    only speaks for or against that assumption. A row is unchanged where nothing is published on its corpus.
    """
    published, is_repaired = verification.published, verification.status is Status.REPAIRED
    if not is_repaired or published is None or main_name(published.corpus) != main_name(row.corpus or ""):
        return row
    pairs = [
        (name, theirs, ours)
        for name, theirs, ours in (("UAR", published.uar, row.uar), ("accuracy", published.accuracy, row.accuracy))
        if theirs is not None and ours is not None and math.isfinite(ours)
    ]
    if not pairs:
        return row
    listed = ", ".join(f"{name} {ours:.2f} here and {theirs:.2f} published" for name, theirs, ours in pairs)
    if all(abs(ours - theirs) <= CONFIRMED_WITHIN for _, theirs, ours in pairs):
        flag, reason = Flag.REPAIR_CONFIRMED, f"{listed}."
    else:
        flag, reason = Flag.REPAIRED, f"{listed}: not confirmed."
    update = {"flags": in_order({*row.flags, flag}), "flag_reasons": row.flag_reasons | {flag.value: reason}}
    return row.model_copy(update=update)
