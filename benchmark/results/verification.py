"""What was found out about one candidate, and about a registry of them."""

from datetime import datetime
from typing import ClassVar

from pydantic import JsonValue

from benchmark.results.environment import Environment
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.status import Status, Verdict

BYTES_PER_MB = 1_000_000


class Finding(Stored):
    """One thing found out about a candidate that would decide its status on its own.

    Attributes:
        status: The status that it stands for.
        reason: One sentence for a person; where there is a fix, it names the fix.
        evidence: The facts it rests on, by name.
    """

    status: Status
    reason: str
    evidence: dict[str, JsonValue] = {}


class Verification(Stored):
    """The verdict on one candidate, with what it rests on.

    Attributes:
        candidate: What tables call it.
        id: The Hub id, or the local path as the registry writes it.
        revision: The commit sha, or the content hash of a local folder; None where it could not be resolved.
        status: The status that decides.
        reason: One sentence for a person.
        findings: All that was found, the deciding one first.
        loads: Whether `from_pretrained` succeeds at all; None where it was not tried.
        labels: The model's labels in the order of its outputs.
        emotions: For each label, the canonical class it maps to; None where it maps to nothing.
        multi_label: Whether the head was trained with one sigmoid per label.
        architecture: The class named by the configuration, else its model type.
        head: The layout of the head: `standard`, or the name of a known other one.
        sampling_rate: In Hz, the rate of the samples that the model wants; None where it was not loaded.
        window_s: The longest stretch of audio, in seconds, that goes into the model at once; None where not loaded.
        fixed_window: Whether a call costs the same however short the clip is; None where it was not loaded.
        parameters: Number of weights.
        size_bytes: Bytes of the weight files that a load reads.
        license: As the repository declares it.
        seconds: What finding this out took.
        expect: The status that the registry expects.
        languages: Languages that the registry says it was made for.
        trained_on: Corpora that the registry says it has seen; None where nothing is declared.
        log: Where its worker's output is, relative to the cache.
        notes: Facts worth knowing that decide nothing, such as labels that map to nothing.
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
    sampling_rate: int | None = None
    window_s: float | None = None
    fixed_window: bool | None = None
    parameters: int | None = None
    size_bytes: int | None = None
    license: str | None = None
    seconds: float = 0.0
    expect: Status | None = None
    languages: tuple[str, ...] = ()
    trained_on: tuple[str, ...] | None = None
    log: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict that the status stands for."""
        return self.status.verdict

    @property
    def emotion_classes(self) -> tuple[str, ...]:
        """The distinct canonical classes, of any kind, in the order of the outputs; what `--min-emotions` counts.

        Examples:
            >>> Verification(candidate="a", id="a", status=Status.USABLE, reason="", labels=("ang", "hap", "x"),
            ...     emotions=("anger", "happiness", None)).emotion_classes
            ('anger', 'happiness')
        """
        return tuple(dict.fromkeys(emotion for emotion in self.emotions if emotion is not None))

    @property
    def size_mb(self) -> float | None:
        """Megabytes (10⁶ bytes) of the weight files."""
        return None if self.size_bytes is None else self.size_bytes / BYTES_PER_MB


class VerificationReport(StoredFile):
    """The verdicts on all candidates of a registry.

    Attributes:
        created: When it was written, in UTC.
        registry: The registry file, as it was given.
        environment: The machine and the libraries.
        candidates: One verification per candidate, in the registry's order.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    registry: str
    environment: Environment
    candidates: tuple[Verification, ...]
