"""The verdict on a candidate with its evidence, and the verdicts on a registry."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue, computed_field

from benchmark.results.display import Displayed, plot
from benchmark.results.environment import Environment
from benchmark.results.predictions import IMPORTED
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.status import Status, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BYTES_PER_MB = 1_000_000


class Finding(Stored):
    """A fault of a candidate that would decide its status on its own.

    Attributes:
        reason: One sentence, with the fix if there is one.
        evidence: The facts it rests on, by name.
    """

    status: Status
    reason: str
    evidence: dict[str, JsonValue] = {}


class Batching(Stored):
    """How much logits change when several clips go into one call.

    Attributes:
        size: How many clips were in the call.
        equal_lengths: The largest difference of any logit, for clips of one length; None if the model takes no batch.
        padded: The same for clips of different lengths, padded as the checkpoint's own feature extractor does.
    """

    TOLERANCE: ClassVar[float] = 1e-4

    size: int
    equal_lengths: float | None
    padded: float | None

    @property
    def batches(self) -> bool:
        """Whether clips of one length may go into one call."""
        return self.equal_lengths is not None and self.equal_lengths <= self.TOLERANCE

    @property
    def pads(self) -> bool:
        """Whether clips of different lengths may be padded to one."""
        return self.padded is not None and self.padded <= self.TOLERANCE


class PublishedScore(Stored):
    """A score that the authors of a candidate have published, as fractions."""

    corpus: str
    uar: float | None = None
    accuracy: float | None = None


class Verification(Stored):
    """The verdict on one candidate with its evidence; None stands for what was not found out.

    Attributes:
        id: The Hub id, or the local path as the registry writes it.
        revision: The commit sha, or the content hash of a local folder.
        findings: The deciding one first.
        emotions: For each label, the canonical class it maps to; None if it maps to nothing.
        multi_label: Whether the head was trained with one sigmoid per label.
        architecture: The class named by the configuration, else its model type.
        head: The layout of the head: `standard`, or the name of a known other one.
        head_parameters: How a rebuilt head computes, and what of it is assumed: such as `pooling` and `activation`.
        window_s: The longest stretch of audio that goes into the model at once.
        fixed_window: Whether a call costs the same however short the clip is.
        size_bytes: Of the weight files that a load reads.
        expect: From the registry, as are `languages`, `trained_on`, `trained_speakers` and `published`.
        trained_seconds: The shortest and the longest recording that it was trained on; from the registry, else from the
            layout of its head.
        notes: Facts that decide nothing, such as labels that map to nothing.
        depth: `inspect`, `load` or `probe`.
        incomplete: Whether this machine failed at it, such as by killing its worker twice, so that there is no verdict.
    """

    candidate: str
    id: str
    revision: str | None = None
    status: Status
    reason: str
    findings: tuple[Finding, ...] = ()
    loads: bool | None = None
    labels: tuple[str, ...] = ()
    emotions: tuple[str | None, ...] = ()
    multi_label: bool = False
    architecture: str | None = None
    head: str | None = None
    head_parameters: dict[str, str] = {}
    sampling_rate: int | None = None
    window_s: float | None = None
    fixed_window: bool | None = None
    batching: Batching | None = None
    parameters: int | None = None
    size_bytes: int | None = None
    license: str | None = None
    seconds: float = 0.0
    expect: Status | None = None
    languages: tuple[str, ...] = ()
    trained_on: tuple[str, ...] | None = None
    trained_speakers: tuple[str, ...] | None = None
    trained_seconds: tuple[float, float] | None = None
    published: PublishedScore | None = None
    log: str | None = None
    notes: tuple[str, ...] = ()
    depth: str | None = None
    incomplete: bool = False

    @property
    def is_imported(self) -> bool:
        """Whether it is a table of answers, and no model."""
        return self.head == IMPORTED

    @property
    def rates(self) -> bool:
        """Whether it rates dimensions, and was found to work: as a checkpoint that was loaded, or as a table."""
        return self.status is Status.DIMENSIONAL and (self.loads is True or self.is_imported)

    @property
    def verdict(self) -> Verdict:
        """The verdict that the status stands for."""
        return self.status.verdict

    @property
    def surprising(self) -> bool:
        """Whether the registry expects another status; `inspected` is as expected where `usable` is expected."""
        if self.expect is None or self.expect is self.status:
            return False
        return not (self.status is Status.INSPECTED and self.expect.verdict is Verdict.USABLE)

    @property
    def emotion_classes(self) -> tuple[str, ...]:
        """The distinct canonical classes, of any kind, in the order of the outputs; `--min-emotions` counts these."""
        return tuple(dict.fromkeys(emotion for emotion in self.emotions if emotion is not None))

    def too_few_emotions(self, least: int) -> str | None:
        """Why a candidate that must distinguish `least` classes is not run; None if it does."""
        count = len(self.emotion_classes)
        return None if count >= least else f"It distinguishes {count} emotions; at least {least} were asked for."

    @property
    def size_mb(self) -> float | None:
        """Megabytes (10⁶ bytes) of the weight files."""
        return None if self.size_bytes is None else self.size_bytes / BYTES_PER_MB


class VerificationReport(Displayed, StoredFile):
    """The verdicts on all candidates of a registry, in its order.

    Attributes:
        cache: The folder that `log` of a candidate is relative to.
        interrupted: Whether it was stopped before its end, so that some candidates are `skipped`.
    """

    created: datetime
    registry: str
    environment: Environment
    cache: str = ""
    candidates: tuple[Verification, ...]
    interrupted: bool = False

    def plot(self) -> "Figure":
        """Draw how many candidates have each status, as a figure of matplotlib.

        Raises:
            RequestError: matplotlib is not installed, or there is no candidate.
        """
        return plot(self)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether all candidates had their turn, and none lost its worker for good."""
        return not self.interrupted and not any(candidate.incomplete for candidate in self.candidates)
