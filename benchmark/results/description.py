"""What can be said of a corpus before anyone trusts a score on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from benchmark.results.schema import Stored, StoredFile


class Spread(Stored):
    """How a quantity is spread over the clips.

    Attributes:
        low: The smallest.
        median: The one in the middle.
        high: The largest.
    """

    low: float
    median: float
    high: float


class DescribedClip(Stored):
    """One clip: what the corpus says of it, and what was measured.

    Attributes:
        clip: Its name within the corpus.
        clip_hash: Hash of its decoded samples and their rate; None where it could not be read.
        failure: Why it could not be read.
        label: The corpus's own label.
        emotion: What it counts as, after merges; None for nothing.
        speaker: Who speaks.
        sex: The speaker's sex.
        language: The language spoken.
        text_id: What is said.
        duration_s: Seconds of audio.
        sampling_rate: Samples per second.
        channels: How many channels it was recorded with.
        level_db: Root mean square in dB below full scale; None for digital silence.
        clipped_share: Share of its samples in runs of three or more at full scale.
        bandwidth_hz: Where its average spectrum ends, 45 dB below its strongest part.
        speech_share: Share of its time in which somebody speaks.
    """

    clip: str
    clip_hash: str | None
    failure: str | None = None
    label: str | None = None
    emotion: str | None = None
    speaker: str | None = None
    sex: str | None = None
    language: str | None = None
    text_id: str | None = None
    duration_s: float | None = None
    sampling_rate: int | None = None
    channels: int | None = None
    level_db: float | None = None
    clipped_share: float | None = None
    bandwidth_hz: float | None = None
    speech_share: float | None = None


class DescribedLabel(Stored):
    """One label of the corpus.

    Attributes:
        label: As the corpus writes it.
        clips: Readable clips that have it.
        emotion: What it means, after overrides and merges; None for nothing.
        index: The index of that class; None for no class.
    """

    label: str
    clips: int
    emotion: str | None
    index: int | None


class IdenticalClips(Stored):
    """Clips of which every sample is the same.

    Attributes:
        clips: Their names.
        labels: Their distinct labels; more than one is a contradiction.
        speakers: Their distinct speakers.
    """

    clips: tuple[str, ...]
    labels: tuple[str, ...]
    speakers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KnownOutputs:
    """What is known of a candidate's outputs without asking anybody.

    Attributes:
        candidate: What tables call it.
        known_from: Where from: `verification`, `configuration`, `registry` or `nothing`.
        emotions: What each output means; None for nothing; empty where nobody knows the outputs.
        status: Its status, where it was verified.
        trained_on: The corpora that it has seen; None where nothing is declared.
    """

    candidate: str
    known_from: str
    emotions: tuple[str | None, ...] = ()
    status: str | None = None
    trained_on: tuple[str, ...] | None = None


class Coverage(Stored):
    """What one candidate of the registry could say about the corpus.

    Attributes:
        candidate: What tables call it.
        known_from: `verification` (of a former run), `configuration` (of a local folder), `registry`, or `nothing`.
        status: Its status, where a verification is stored.
        classes: What it distinguishes, after merges.
        covered: The corpus's emotions that it can express.
        missing: Those that it cannot.
        coverage: Share of the scored clips whose emotion it can express; None where its labels are not known.
        seen: Whether it was trained on the corpus: yes, no or unknown.
    """

    candidate: str
    known_from: str
    status: str | None = None
    classes: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    coverage: float | None = None
    seen: str = "unknown"


class CorpusDescription(StoredFile):
    """A corpus, described.

    Attributes:
        created: When, in UTC.
        name: What tables call it.
        source: The SPEC it came from.
        synthetic: Whether a program made the voices.
        channel: What of recordings with several channels was heard.
        selection: Which part of it the user asked for, in words.
        available_clips: How many clips there were before a limit.
        clips: Every clip, in the corpus's order.
        hours: Hours of audio that could be read.
        labels: Every label that occurs, by class.
        classes: The classes in the order of their indices, with their clips.
        unlabelled: Readable clips without a label.
        merge: Merges that were applied.
        speakers: Clips of each speaker; the empty name stands for those of whom nobody knows.
        sexes: Clips of each sex.
        languages: Clips in each language.
        sampling_rates: Clips of each rate.
        channels: Clips recorded with so many channels.
        duration_s: Of the clips.
        level_db: Of those that are not digital silence.
        bandwidth_hz: Of those that have one.
        clipped: Clips with clipped peaks.
        telephone: Clips whose band ends as a telephone's does, saved at a rate that could hold twice as much.
        silent: Clips in which nobody speaks.
        speech_share: Share of all audio in which somebody speaks; None where nobody listened for that.
        identical: Groups of clips with the same samples.
        text_tie: How strongly text and label are tied: Cramér's V without its bias; None where it has none.
        speaker_tie: How strongly speaker and label are tied.
        candidates: What each candidate of the registry could cover.
        flags: One word for each thing to know before believing a score.
        notes: What a person should know of how the corpus was read.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    name: str
    source: str
    synthetic: bool
    channel: str
    selection: str | None
    available_clips: int
    clips: tuple[DescribedClip, ...]
    hours: float
    labels: tuple[DescribedLabel, ...]
    classes: dict[str, int]
    unlabelled: int
    merge: dict[str, str]
    speakers: dict[str, int]
    sexes: dict[str, int]
    languages: dict[str, int]
    sampling_rates: dict[str, int]
    channels: dict[str, int]
    duration_s: Spread | None
    level_db: Spread | None
    bandwidth_hz: Spread | None
    clipped: int
    telephone: int
    silent: int
    speech_share: float | None
    identical: tuple[IdenticalClips, ...]
    text_tie: float | None
    speaker_tie: float | None
    candidates: tuple[Coverage, ...] = ()
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
