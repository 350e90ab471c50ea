"""The description of a corpus, to be read before any score on it."""

from dataclasses import dataclass
from datetime import datetime

from benchmark.results.left_out import LeftOut
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.training_record import SuspectedLabel


class Spread(Stored):
    """Minimum, median and maximum over the clips."""

    low: float
    median: float
    high: float


class DescribedClip(Stored):
    """One clip: the metadata of the corpus as in `ClipRecord`, and the measurements.

    Attributes:
        emotion: The emotion of its label or raters, after merges.
        level_db: Root mean square in dB below full scale; None for digital silence.
        clipped_share: Share of its samples in runs of three or more at full scale.
        bandwidth_hz: The end of its average spectrum, 45 dB below its strongest part.
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
    """One label of the corpus, with its readable clips, its emotion after overrides and merges, and its class index."""

    label: str
    clips: int
    emotion: str | None
    index: int | None


class IdenticalClips(Stored):
    """Clips with the same samples, and their distinct labels (more than one is a contradiction) and speakers."""

    clips: tuple[str, ...]
    labels: tuple[str, ...]
    speakers: tuple[str, ...]


class NearCopies(Stored):
    """Two clips of which one is a changed copy of the other: gain, encoding, length or noise.

    Attributes:
        clips: The two names; of identical clips only the first.
        likeness: Of their fingerprints, up to 1.
        labels: Their distinct labels, and so their speakers.
    """

    clips: tuple[str, ...]
    likeness: float
    labels: tuple[str, ...]
    speakers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChangedCopy:
    """Two recordings of which one is a changed copy of the other, by clip hash."""

    first: str
    second: str
    likeness: float


@dataclass(frozen=True, kw_only=True)
class KnownOutputs:
    """The outputs of a candidate as far as they are known without loading it.

    Attributes:
        known_from: As in `Coverage`.
        emotions: The emotion of each output, if any; empty where the outputs are unknown.
        trained_on: Its training corpora; None where nothing is declared.
    """

    candidate: str
    known_from: str
    emotions: tuple[str | None, ...] = ()
    status: str | None = None
    trained_on: tuple[str, ...] | None = None


class Coverage(Stored):
    """The emotions of the corpus that one candidate of the registry can express.

    Attributes:
        known_from: `verification` (of a former run), `configuration` (of a local folder), `registry`, or `nothing`.
        status: None where no verification is stored.
        classes: What it distinguishes, after merges.
        coverage: Share of the scored clips whose emotion it can express; None where its labels are unknown.
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
    """The description of a corpus; counts are of readable clips, and fields of the corpus are as in `CorpusRecord`.

    Attributes:
        clips: Every clip, in the corpus's order.
        labels: Every label that occurs, by class.
        classes: Clips by class, in the order of the class indices.
        speakers: Clips by speaker; as for sexes, languages, rates and channels, the empty name stands for unknown.
        level_db: Over clips that are not digital silence.
        clipped: Clips with clipped peaks.
        telephone: Clips whose band ends as a telephone's does, saved at a rate that could hold twice as much.
        silent: Clips without speech.
        speech_share: Share of all audio that is speech; None where it was not measured.
        text_tie: Association of text and label: bias-corrected Cramér's V; None where it is not defined.
        speaker_tie: The same of speaker and label.
        length_tie: As in `CorpusSummary`, likewise `level_tie`, `silence_uar` and `silence_uar_low`.
        suspects: Labels that may be wrong, the most doubtful first; None where nobody asked.
        suspects_by: The candidates by whose stored answers they are.
        left_out: What is left out of scores, or treated specially.
        flags: What to know before believing a score.
    """

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
    near_copies: tuple[NearCopies, ...] = ()
    text_tie: float | None
    speaker_tie: float | None
    length_tie: float | None = None
    level_tie: float | None = None
    silence_uar: float | None = None
    silence_uar_low: float | None = None
    suspects: tuple[SuspectedLabel, ...] | None = None
    suspects_by: tuple[str, ...] = ()
    candidates: tuple[Coverage, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
