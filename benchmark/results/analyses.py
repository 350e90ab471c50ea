"""The parts of a leaderboard beside its rows: scores in detail, agreement, groups, robustness, clips to listen to.

`candidate` and `corpus` are names as in tables. Fractions are 0 to 1. `interval` says how the ends `_low` and `_high`
were computed: `speakers`, `wilson` or `clips`. `problem` says in a sentence why there are no numbers.
"""

from typing import Literal

from benchmark.results.schema import Stored

LISTED_FAILURES = 5


class EmotionScore(Stored):
    """The scores of a candidate on one emotion.

    Attributes:
        clips: Clips that have it.
        answered: Clips that were answered with it; if none, precision is None and F1 is 0.
    """

    emotion: str
    clips: int
    answered: int
    precision: float | None
    recall: float
    f1: float


class ReportedScore(Stored):
    """The best UAR that papers report on a corpus with the same emotions; it was not measured here.

    Attributes:
        emotions: Their number.
        uar: None where nothing is known, as is the source.
    """

    corpus: str
    emotions: int
    uar: float | None = None
    source: str | None = None
    measured_here: Literal[False] = False


class ClassScores(Stored):
    """Open scores per emotion.

    Attributes:
        confusion: Clips; a row per emotion in their order, a column per answer in the same order, and a last one for
            answers that are none of them.
    """

    candidate: str
    corpus: str
    emotions: tuple[EmotionScore, ...]
    confusion: tuple[tuple[int, ...], ...]


class FocusScore(Stored):
    """How well a candidate finds one emotion among all others.

    Attributes:
        clips: Scored clips that have the emotion.
        share: Their share, which is the average precision of random answers.
        average_precision: None where the candidate cannot express the emotion.
        auroc: Area under the ROC curve; 0.5 for random answers.
    """

    candidate: str
    corpus: str
    emotion: str
    clips: int
    share: float
    average_precision: float | None = None
    average_precision_low: float | None = None
    average_precision_high: float | None = None
    auroc: float | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    interval: str | None = None


class ReliabilityBin(Stored):
    """Clips with similar confidence: their number, mean confidence, and share of right answers."""

    clips: int
    confidence: float
    accuracy: float


class AnswerProfile(Stored):
    """The answers of a candidate to the scored clips of a corpus, or to all where none is scored.

    Attributes:
        answers: Clips by answer, the most frequent first.
        truth: Clips by their emotion, the most frequent first; empty where none is scored.
        unanswered: Clips that it could not process.
        reliability: Accuracy by confidence, the least confident first; empty where clips are too few.
    """

    candidate: str
    corpus: str
    answers: dict[str, int]
    truth: dict[str, int] = {}
    unanswered: int = 0
    reliability: tuple[ReliabilityBin, ...] = ()


class Voter(Stored):
    """One candidate among the others on a corpus without labels.

    Attributes:
        clips: Clips that it answered.
        distribution: Share of its answers by emotion, the most frequent first.
        confidence: Mean probability of its answers.
        twin_of: The earlier candidate that stands for both, if they are near-twins.
        majority_agreement: How often it agrees with the majority, itself included; a clip on which n answers tie
            counts 1/n for each of them. None if there are too few voters.
        estimated_accuracy: Its accuracy if all errors were independent; None if that is not estimated.
    """

    candidate: str
    clips: int
    distribution: dict[str, float]
    confidence: float | None
    twin_of: str | None = None
    majority_agreement: float | None = None
    estimated_accuracy: float | None = None


class PairAgreement(Stored):
    """How often two voters agree, and how much more often than their distributions would by chance."""

    first: str
    second: str
    agreement: float
    kappa: float | None


class CorpusAgreement(Stored):
    """The agreement of candidates on a corpus without labels, which never is a ranking.

    Attributes:
        clips: Clips that could be read.
        shared_emotions: Those that all voters can express; every other answer counts as one further class.
        voters: The candidates that answered all clips, in the registry's order.
        pairs: Every two of them that are not twins.
        alpha: Krippendorff's alpha of all voters; None if nothing varies.
        model: How accuracy was estimated: `dawid-skene` or `one-coin`.
    """

    corpus: str
    clips: int
    shared_emotions: tuple[str, ...]
    voters: tuple[Voter, ...]
    pairs: tuple[PairAgreement, ...]
    alpha: float | None
    model: str | None = None
    problem: str | None = None


class GroupSize(Stored):
    """A scored part of a corpus, with its clips of the compared emotions and their speakers."""

    group: str
    clips: int
    speakers: int


class LeftOutGroup(Stored):
    """A part of a corpus that is too small to be scored, and what it lacks."""

    group: str
    clips: int
    reason: str


class GroupScore(Stored):
    """Open UAR on one part of a corpus, over the emotions that all compared groups have."""

    group: str
    uar: float
    uar_low: float
    uar_high: float
    interval: str


class CandidateGroups(Stored):
    """The scores of a candidate on each part of a corpus, and the gap between the parts.

    Attributes:
        scores: In the order of `CorpusGroups.groups`.
        best: The group with the highest UAR, and in `worst` the one with the lowest; None with fewer than two groups.
        gap: The difference of the two; a gap_low of 0 means that chance may explain it.
        gap_p: How often some gap of any candidate and column is as clear without a difference between groups.
    """

    candidate: str
    scores: tuple[GroupScore, ...]
    best: str | None = None
    worst: str | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    gap_p: float | None = None


class CorpusGroups(Stored):
    """A corpus divided by one column: `sex`, `language`, `duration`, or another one that it has.

    Attributes:
        emotions: Those that every compared group has enough clips of; UAR of a group is over them.
        omitted: Emotions of the corpus that some compared group has too few clips of.
        left_out: Groups that are too small, the largest first; `left_out_more` are not listed.
        unknown_clips: Scored clips without a value.
        problem: None if at least two groups are compared.
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


class PairComparison(Stored):
    """Two ranked candidates on the clips of one corpus.

    Attributes:
        candidate: The one with the higher UAR.
        uar_difference: Its open UAR less that of the other; the interval is that of this pair alone.
        p: Two-sided, for this pair alone.
        p_adjusted: After Holm's correction over all pairs of the corpus; ranks rest on it.
    """

    corpus: str
    candidate: str
    other: str
    uar_difference: float
    uar_difference_low: float
    uar_difference_high: float
    p: float
    p_adjusted: float


class Robustness(Stored):
    """One candidate on one corpus under one perturbation, such as `noise:20dB`.

    Attributes:
        clips: Compared clips: those that the candidate could process unperturbed.
        unchanged: Share of them with the same answer to the perturbed clip.
        failed_clips: Those of them that it could not process perturbed; they count as changed and wrong.
        untouched_clips: Clips of the corpus in which there was nothing to remove.
        uar: Open UAR on the unperturbed clips; None without labels.
        perturbed_uar: Open UAR on the same clips, perturbed.
        uar_loss: The first less the second, from −1 to 1.
        worth: UAR that the cue is worth which `--ablate` takes away: the loss; of the pauses alone, their UAR less
            that of guessing, 1/K. None for other perturbations.
        worth_p: Two-sided p over speakers of its being 0, not corrected; None where speakers cannot be left out.
    """

    candidate: str
    corpus: str
    perturbation: str
    clips: int = 0
    unchanged: float | None = None
    failed_clips: int = 0
    untouched_clips: int = 0
    uar: float | None = None
    perturbed_uar: float | None = None
    uar_loss: float | None = None
    uar_loss_low: float | None = None
    uar_loss_high: float | None = None
    interval: str | None = None
    problem: str | None = None
    worth: float | None = None
    worth_low: float | None = None
    worth_high: float | None = None
    worth_p: float | None = None


class CandidateCues(Stored):
    """What a candidate listens to on a corpus.

    Attributes:
        shown: Ablations whose cue is shown to be worth something: Holm over those of the candidate, 5 %.
        sentence: What follows the candidate's name and a colon.
    """

    candidate: str
    corpus: str
    shown: tuple[str, ...]
    sentence: str


class FailedClips(Stored):
    """Clips that a candidate could not process for one reason, with the first five; they count as answered wrongly."""

    candidate: str
    corpus: str
    reason: str
    clips: int
    examples: tuple[str, ...]


class HardClip(Stored):
    """One clip and the answers to it.

    Attributes:
        emotion: The emotion of the label, after merges.
        able: How many candidates can express its emotion.
        wrong: How many of these do not answer it.
        disagreement: Entropy of the answers in nats; 0 if all are equal.
        answers: By candidate; None if it could not process the clip.
    """

    clip: str
    label: str | None = None
    emotion: str | None = None
    speaker: str | None = None
    duration_s: float | None = None
    able: int = 0
    wrong: int = 0
    disagreement: float = 0.0
    answers: dict[str, str | None] = {}


class AnsweredClip(Stored):
    """A clip as it is listed; `emotion` is that of its label, after merges."""

    clip: str
    label: str | None = None
    emotion: str | None = None
    speaker: str | None = None
    duration_s: float | None = None


class ClipAnswers(Stored):
    """The answers of all candidates to the clips of a corpus, or to those that most of them miss.

    Attributes:
        total: How many clips the corpus has.
        classes: What answers can be.
        answers: By candidate, an index into `classes` for each clip; -1 if it could not process the clip.
    """

    corpus: str
    total: int
    classes: tuple[str, ...]
    clips: tuple[AnsweredClip, ...]
    answers: dict[str, tuple[int, ...]]


class HardClips(Stored):
    """The clips of a corpus to listen to.

    Attributes:
        candidates: How many candidates answered all of its clips.
        most_wrong: Clips by the share of candidates that get them wrong though they can express the emotion.
        most_disputed: Clips by disagreement.
    """

    corpus: str
    candidates: int
    most_wrong: tuple[HardClip, ...] = ()
    most_disputed: tuple[HardClip, ...] = ()
