"""How far candidates agree on a corpus without labels: all that can be said of them there, and never a rank."""

from benchmark.results.schema import Stored


class Voter(Stored):
    """One candidate among the others.

    Attributes:
        candidate: What tables call it.
        clips: Clips that it answered.
        distribution: Share of its answers by emotion, the most frequent first.
        confidence: Mean probability of its answers.
        twin_of: The candidate that stands for both, where it cannot be told from one before it.
        majority_agreement: How often it says what most voters say, itself among them; a clip on which n answers tie
            counts 1/n for each of them. None where there are too few voters.
        estimated_accuracy: How often it would be right if all errors were independent; None where that is not
            estimated.
    """

    candidate: str
    clips: int
    distribution: dict[str, float]
    confidence: float | None
    twin_of: str | None = None
    majority_agreement: float | None = None
    estimated_accuracy: float | None = None


class PairAgreement(Stored):
    """Two voters: how often they agree, and how much more often than their distributions would by chance."""

    first: str
    second: str
    agreement: float
    kappa: float | None


class CorpusAgreement(Stored):
    """What the candidates say to a corpus without labels.

    Attributes:
        corpus: What tables call it.
        clips: Clips that could be read.
        shared_emotions: Those that all voters have a name for; every other answer is one class of its own.
        voters: The candidates that answered all clips, in the registry's order.
        pairs: Every two of them that are not twins.
        alpha: Krippendorff's alpha of all voters; None where nothing varies.
        model: How accuracy was estimated: `dawid-skene` or `one-coin`; None where it was not.
        problem: Why it was not, in a sentence.
    """

    corpus: str
    clips: int
    shared_emotions: tuple[str, ...]
    voters: tuple[Voter, ...]
    pairs: tuple[PairAgreement, ...]
    alpha: float | None
    model: str | None = None
    problem: str | None = None


class ReliabilityBin(Stored):
    """Clips of which a candidate is about equally sure.

    Attributes:
        clips: How many there are.
        confidence: Mean probability of its answers to them.
        accuracy: Share of these answers that is right.
    """

    clips: int
    confidence: float
    accuracy: float


class AnswerProfile(Stored):
    """What one candidate answers on one corpus: on its scored clips, or on all where nothing can be scored.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        answers: Clips by answer, the most frequent first.
        truth: Clips by their emotion, the most frequent first; empty where nothing can be scored.
        unanswered: Clips that it could not process.
        reliability: How right it is by how sure it is, the least sure first; empty where clips are too few to tell.
    """

    candidate: str
    corpus: str
    answers: dict[str, int]
    truth: dict[str, int] = {}
    unanswered: int = 0
    reliability: tuple[ReliabilityBin, ...] = ()


class EmotionScore(Stored):
    """How right a candidate is about one emotion.

    Attributes:
        emotion: The emotion.
        clips: Clips that have it.
        answered: Clips that were answered with it.
        precision: Share of the clips answered with it that have it; None where it was never answered.
        recall: Share of the clips that have it that were answered with it.
        f1: Harmonic mean of the two; 0 where it was never answered.
    """

    emotion: str
    clips: int
    answered: int
    precision: float | None
    recall: float
    f1: float


class ClassScores(Stored):
    """How right a candidate is on a corpus, emotion by emotion, in the open protocol.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        emotions: The corpus's emotions.
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
        candidate: What tables call it.
        corpus: What tables call it.
        emotion: What was looked for.
        clips: Scored clips that have it.
        share: Their share; the average precision of one who does not listen.
        average_precision: With its interval; None where the candidate cannot express the emotion.
        auroc: Area under the ROC curve, with its interval; 0.5 for one who does not listen.
        interval: How the intervals were made: `speakers`, `wilson`, or `clips`.
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


LISTED_FAILURES = 5


class FailedClips(Stored):
    """Clips that one candidate could not process for one reason; they count as answered wrongly by it.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        reason: What happened, as the model's libraries say it.
        clips: How many clips.
        examples: The names of the first five of them.
    """

    candidate: str
    corpus: str
    reason: str
    clips: int
    examples: tuple[str, ...]


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


class HardClip(Stored):
    """One clip, with what every candidate makes of it.

    Attributes:
        clip: Its name within the corpus.
        label: The corpus's own label, if any.
        emotion: What the label means, after merges; None where it means no emotion.
        speaker: Who speaks, if known.
        duration_s: Seconds of audio.
        able: How many candidates have a name for its emotion.
        wrong: How many of these do not answer it.
        disagreement: Entropy of the candidates' answers in nats; 0 where all say the same.
        answers: What each candidate says; None where it could not process the clip.
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


class HardClips(Stored):
    """What to listen to on one corpus.

    Attributes:
        corpus: What tables call it.
        candidates: How many candidates answered all of its clips.
        most_wrong: The clips that the largest share of those who could know gets wrong, the hardest first.
        most_disputed: The clips on which the answers differ most, the most disputed first.
    """

    corpus: str
    candidates: int
    most_wrong: tuple[HardClip, ...] = ()
    most_disputed: tuple[HardClip, ...] = ()


class Robustness(Stored):
    """One candidate on one corpus under one perturbation. Fractions are 0–1, None means unknown.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        perturbation: What was done to every clip, such as `noise:20dB`.
        clips: Clips that are compared: those that the candidate answered as they are.
        unchanged: Share of them with the same answer to the perturbed clip.
        failed_clips: Those of them that it could not process perturbed; counted as changed, and as answered wrongly.
        untouched_clips: Clips of the corpus that came as they are, since there was nothing to take away from them.
        uar: Open UAR on the clips as they are; None without labels.
        perturbed_uar: Open UAR on the same clips, perturbed.
        uar_loss: The first less the second, from −1 to 1, with its 95 % interval in uar_loss_low and uar_loss_high.
        interval: How the interval was made: `speakers`, `wilson` or `clips`.
        problem: Why nothing is told, in a sentence; None where something is.
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
