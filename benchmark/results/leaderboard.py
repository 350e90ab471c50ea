"""One row of a leaderboard. The names and their order are a contract: columns may be added, never renamed."""

from datetime import datetime
from typing import ClassVar

from benchmark.results.analyses import (
    AnswerProfile,
    ClassScores,
    CorpusAgreement,
    CorpusGroups,
    FailedClips,
    FocusScore,
    HardClips,
    Robustness,
)
from benchmark.results.environment import Environment
from benchmark.results.inference import InferenceRecord
from benchmark.results.runs import ClipRecord
from benchmark.results.schema import Stored, StoredFile

ALL_CORPORA = "*"
"""What stands for the corpus in the row of a summary over several."""


class LeaderboardRow(Stored):
    """One candidate on one corpus, device, backend and dtype; or a candidate that was not evaluated.

    Fractions are 0–1, None means unknown. The fields are the columns of `leaderboard.csv`, in its order.

    Attributes:
        rank: 1 + the number of ranked candidates that are significantly better; None where it is not ranked.
        candidate: What tables call it.
        revision: The commit sha, or the content hash of a local folder.
        head: The layout of the head.
        corpus: What tables call it; `*` for the summary over several; None where the candidate was not evaluated.
        clips: Clips that were scored; without labels, clips that were answered.
        failed_clips: Clips that could not be read (excluded for all) or that this candidate could not process
            (counted as answered wrongly).
        unscored_clips: Clips whose label maps to nothing.
        emotions: Number of distinct classes the candidate distinguishes.
        coverage: Share of the scored clips whose emotion the candidate can express.
        accuracy: Open accuracy, with its interval in accuracy_low and accuracy_high.
        uar: Open unweighted average recall, with its interval in uar_low and uar_high.
        interval: How the intervals were made: `speakers`, `wilson`, or `clips`.
        macro_f1: Open macro-F1.
        shared_uar: UAR over the covered classes only; never ranked.
        common_uar: UAR over the classes that all ranked candidates cover.
        majority_accuracy: Accuracy of always answering the most frequent emotion.
        ece: Expected calibration error over 15 bins of equal mass; None below 200 clips.
        entropy: Of the answers, in nats.
        effective_emotions: exp(entropy).
        informative_emotions: How many emotions the model really tells apart.
        top_emotion: Its most frequent answer, and the share of that in top_share.
        collapsed: Whether it answers the same almost always, whatever is heard.
        seen: Whether it was trained on this corpus: yes, no or unknown.
        device: `cpu` or `cuda`; with backend and dtype, what the latency belongs to.
        latency_p50_ms: Median time of one segment; None below 10 calls (p90: 30, p99: 300).
        rtfx: Seconds of audio processed per second of wall time, at the median.
        load_s: Seconds to load the checkpoint.
        peak_memory_mb: Largest memory in MB (10⁶ bytes).
        parameters: Number of weights.
        size_mb: Megabytes (10⁶ bytes) of the weight files.
        flags: What a reader has to know before believing the row; for candidates not evaluated, their status.
        adjusted_uar: (UAR − 1/K) / (1 − 1/K) over the K emotions of the corpus: 0 is guessing, 1 is perfect; in the row
            of a summary its mean over the corpora. With its interval in adjusted_uar_low and adjusted_uar_high.
        weighted_f1: F1 averaged by the emotions' numbers of clips.
        brier: Mean over the scored clips of the squared distance between probabilities and truth, over the corpus's
            emotions, from 0 to 2.
        metrics: What the user's own metrics say, by their names.
        speaker_measure: What speakers are scored by in the next two: `uar`, or `accuracy` where too few have clips of
            all emotions.
        speaker_tenth: The 10th percentile of the speakers' scores; None below five speakers with clips enough.
        speaker_spread: Standard deviation of the speakers' scores beyond what the chance of few clips makes.
        flag_reasons: What exactly a flag of the row rests on, in words, for those that say more than their name.
        soft_cross_entropy: Mean cross-entropy of its probabilities against the raters' shares, in nats.
        soft_jensen_shannon: Mean Jensen–Shannon divergence of the two, to base 2, from 0 to 1.
        latency_p50_low_ms: Lower end of the 95 % interval of the median, by the order of the calls.
        latency_p50_high_ms: Its upper end.
        latency_calls: How many calls were timed.
        latency_stopped_by: Why not more: `precise` (no point of the interval is farther than 3 % from the median),
            `time`, `calls` or `failed`.
    """

    rank: int | None = None
    candidate: str
    revision: str | None = None
    head: str | None = None
    corpus: str | None = None
    clips: int | None = None
    failed_clips: int | None = None
    unscored_clips: int | None = None
    emotions: int | None = None
    coverage: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    uar: float | None = None
    uar_low: float | None = None
    uar_high: float | None = None
    interval: str | None = None
    macro_f1: float | None = None
    shared_uar: float | None = None
    common_uar: float | None = None
    majority_accuracy: float | None = None
    ece: float | None = None
    entropy: float | None = None
    effective_emotions: float | None = None
    informative_emotions: float | None = None
    top_emotion: str | None = None
    top_share: float | None = None
    collapsed: bool | None = None
    seen: str | None = None
    device: str | None = None
    backend: str | None = None
    dtype: str | None = None
    latency_p50_ms: float | None = None
    latency_p90_ms: float | None = None
    latency_p99_ms: float | None = None
    rtfx: float | None = None
    load_s: float | None = None
    peak_memory_mb: float | None = None
    parameters: int | None = None
    size_mb: float | None = None
    flags: tuple[str, ...] = ()
    soft_cross_entropy: float | None = None
    soft_jensen_shannon: float | None = None
    flag_reasons: dict[str, str] = {}
    adjusted_uar: float | None = None
    adjusted_uar_low: float | None = None
    adjusted_uar_high: float | None = None
    weighted_f1: float | None = None
    brier: float | None = None
    latency_p50_low_ms: float | None = None
    latency_p50_high_ms: float | None = None
    latency_calls: int | None = None
    latency_stopped_by: str | None = None
    speaker_measure: str | None = None
    speaker_tenth: float | None = None
    speaker_spread: float | None = None
    metrics: dict[str, float | None] = {}


class CorpusSummary(Stored):
    """What a reader has to know of a corpus beside the scores on it.

    Attributes:
        name: What tables call it.
        source: The SPEC it came from.
        synthetic: Whether a program made the voices.
        clips: Clips that could be read.
        available_clips: How many there were before `--limit` or `--sample`.
        unreadable: Clips that could not be read.
        unscored_labels: Labels that map to nothing, with their number of clips.
        emotion_clips: Scored clips by emotion, after merges.
        label_emotions: The emotion, after merges, of every label that occurs and maps.
        speakers: Number of speakers; None where nobody knows.
        hours: Hours of audio that could be read.
        merge: Merges that were applied.
        channel: What of recordings with several channels was heard.
        no_speech: Clips in which nobody speaks, as far as is known; they are scored like the others.
        silent_clips: Clips that were left out for too little speech, as the user asked.
        speech_share: Share of all audio in which somebody speaks; None where nobody listened for that.
        selection: Which part of it the user asked for, in words; None for all of it.
        rated_clips: Clips of which the corpus says how many raters chose what.
        tied_clips: Clips without a label whose raters are of two or more opinions equally often: not scored.
        minority_clips: Clips without a label of which no more than half of the raters say the same: not scored.
        human_uar: UAR of one rater against the others, over the scored clips; None where no clip has two raters.
        human_accuracy: How often a rater says what the others say.
        duplicate_clips: Clips that are the same recording, sample by sample, as an earlier one.
        text_tie: How strongly emotions are tied to texts, as Cramér's V without its bias; None where nobody knows.
        speaker_tie: The same of speakers.
    """

    name: str
    source: str
    synthetic: bool
    clips: int
    available_clips: int
    unreadable: tuple[ClipRecord, ...]
    unscored_labels: dict[str, int]
    emotion_clips: dict[str, int]
    label_emotions: dict[str, str]
    speakers: int | None
    hours: float
    merge: dict[str, str]
    channel: str = "mix"
    no_speech: int = 0
    silent_clips: int = 0
    speech_share: float | None = None
    selection: str | None = None
    rated_clips: int = 0
    tied_clips: int = 0
    minority_clips: int = 0
    human_uar: float | None = None
    human_accuracy: float | None = None
    duplicate_clips: int = 0
    text_tie: float | None = None
    speaker_tie: float | None = None


class NotEvaluated(Stored):
    """A candidate of the registry that was not evaluated, and why.

    Attributes:
        candidate: What tables call it.
        status: Its status.
        reason: One sentence for a person.
        emotions: Number of distinct classes it distinguishes.
        fallback: Whether it is usable and has merely fewer emotions than were asked for.
        log: Where its worker's output is.
    """

    candidate: str
    status: str
    reason: str
    emotions: int
    fallback: bool
    log: str | None = None


class Leaderboard(StoredFile):
    """All rows of a run, with what is needed to read them.

    Attributes:
        created: When the run began, in UTC.
        environment: The machine and the libraries.
        registry: The registry file, as it was given.
        min_emotions: The filter that was asked for.
        limit: Clips per corpus, where the user limited them.
        interrupted: Whether the user stopped the run before its end.
        segment_s: Length of the segments that latency was measured on, in seconds.
        threads: Threads that one timed call could use.
        corpora: What the candidates heard.
        rows: By corpus, best first; those without a rank after the ranked.
        not_evaluated: Every other candidate of the registry, with the reason.
        classes: Scores emotion by emotion, of each candidate's deciding evaluation.
        focus: How well the emotions that the user asked for are found.
        focused: The emotions that the user asked for.
        summary_corpora: What the rows with the corpus `*` are about: those on which all ranked candidates are scored.
        failures: For evaluations and measurements that did not come to their end, what happened, by candidate.
        agreements: For each corpus without labels, how far the candidates agree there.
        profiles: What each candidate answers on each corpus, taken together, by its deciding evaluation.
        hard_clips: For each corpus, the clips that are worth listening to.
        inference: What computed each candidate's answers, and how far that was held against the reference.
        robustness: By corpus, candidate and perturbation, which answers survive what was done to the audio.
        failed_clips: By corpus, candidate and reason, which clips a candidate could not process.
        groups: Scores of parts of the corpora: by sex, language, duration, and the columns that the user asked for.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    environment: Environment
    registry: str
    min_emotions: int
    limit: int | None
    interrupted: bool
    segment_s: float | None
    threads: int | None
    corpora: tuple[CorpusSummary, ...]
    rows: tuple[LeaderboardRow, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    failures: dict[str, str]
    agreements: tuple[CorpusAgreement, ...] = ()
    summary_corpora: tuple[str, ...] = ()
    classes: tuple[ClassScores, ...] = ()
    focus: tuple[FocusScore, ...] = ()
    focused: tuple[str, ...] = ()
    profiles: tuple[AnswerProfile, ...] = ()
    hard_clips: tuple[HardClips, ...] = ()
    groups: tuple[CorpusGroups, ...] = ()
    robustness: tuple[Robustness, ...] = ()
    inference: tuple[InferenceRecord, ...] = ()
    failed_clips: tuple[FailedClips, ...] = ()
