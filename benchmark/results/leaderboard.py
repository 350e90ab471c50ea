"""A leaderboard: the rows of a run, with what is needed to read them."""

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
from benchmark.results.leaderboard_columns import LeaderboardRow
from benchmark.results.runs import ClipRecord, StoredRequest
from benchmark.results.schema import Stored, StoredFile

__all__ = ["ALL_CORPORA", "CorpusSummary", "Leaderboard", "LeaderboardRow", "NotEvaluated"]

ALL_CORPORA = "*"
"""What stands for the corpus in the row of a summary over several."""


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
        request: What the user asked of the run, as `--config` takes it.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    environment: Environment
    registry: str
    request: StoredRequest | None = None
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
