"""How answers were computed: engine, parity with the reference, latency."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Self

from benchmark.errors import BenchError
from benchmark.results.cache_entries import CacheKind, EntryFolder, EntryParts
from benchmark.results.predictions import CONVERSION_VERSION, InferenceSetup
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.storage import candidate_prefix

MOST_CLOSE = 0.25
"""The share of clips to re-run above which a faster engine gains nothing: the reference takes about four times as long
as the fastest engine, and twice as long as the next."""


class ParityCheck(StoredFile):
    """Parity of a faster engine with the reference; kept beside the converted model.

    Attributes:
        setup: Key of the setup of the faster engine.
        model: Digest of the converted model; None if nothing was converted.
        decisions: Keys of the label maps and merges under which these clips were compared.
        clips: Hashes of the clips that both engines got.
        compared: How many of those both could process.
        largest_difference: Of a probability, on these clips and on those that were re-run since.
        close: How many of the compared clips would have to be re-run.
        speed: How many times as fast as the reference, for the median clip in a full batch; None without batches.
        failure: Why no comparison was possible, if that will not change.
    """

    schema_version: int = 2
    setup: str
    model: str | None
    decisions: tuple[str, ...] = ()
    clips: tuple[str, ...]
    compared: int
    largest_difference: float
    allowed: float
    close: int = 0
    speed: float | None = None
    failure: str | None = None
    conversion_s: float = 0.0
    seconds: float = 0.0

    @classmethod
    def load(cls, cache: Path, setup: InferenceSetup) -> Self | None:
        """Read the check of a former run, with the largest difference that any has found; None if there is none.

        There are several where machines that share a store have made theirs at the same time.
        """
        parts = _parity_parts(cache, setup)
        check = parts.load(cls)
        if check is None or check.failure is not None:
            return check
        largest = check.largest_difference
        for name in parts.names():
            with contextlib.suppress(FileNotFoundError):  # replaced meanwhile
                content = parts.read_or_set_aside(name)
                other = None if content is None else cls.parse(content, parts.storage.location(name))
                if other is not None and other.model == check.model and other.failure is None:
                    largest = max(largest, other.largest_difference)
        return check.model_copy(update={"largest_difference": largest})

    def save(self, cache: Path, setup: InferenceSetup) -> None:
        """Replace the stored checks; a larger difference that another process has found still counts."""
        other = self.load(cache, setup)
        check = self
        if other is not None and other.model == self.model and other.failure is None and self.failure is None:
            largest = max(self.largest_difference, other.largest_difference)
            check = self.model_copy(update={"largest_difference": largest})
        _parity_parts(cache, setup).save(check)

    @property
    def passed(self) -> bool:
        """Whether the engine may replace the reference, and gains time: not too many clips would have to be re-run."""
        return not self.is_ruled_out and self.close <= MOST_CLOSE * self.compared

    @property
    def is_like_the_reference(self) -> bool:
        """Whether no probability differs by more than is allowed."""
        return self.largest_difference <= self.allowed

    @property
    def is_ruled_out(self) -> bool:
        """Whether no further clip can make the engine pass."""
        return self.failure is not None or not self.is_like_the_reference


def converted_model(cache: Path, setup: InferenceSetup) -> Path:
    """The folder of the model that is converted for `setup`; one serves all number formats."""
    key = setup.model_copy(update={"dtype": "float32"}).key
    return cache / _converted_prefix(setup) / f"{setup.backend}-{key}"


def describe_converted_model(cache: Path, setup: InferenceSetup) -> None:
    """Write the sidecar of `converted_model`, before it is made, and set a damaged model aside.

    A failure is left to the conversion to report.
    """
    name = converted_model(cache, setup).relative_to(cache).as_posix()
    key = setup.entry_key.model_copy(update={"device": None, "dtype": None})
    entry = EntryFolder(cache=cache, kind=CacheKind.CONVERTED, key=key, content_schema=CONVERSION_VERSION, name=name)
    with contextlib.suppress(BenchError):
        entry.manifest()
        entry.describe()


def _parity_parts(cache: Path, setup: InferenceSetup) -> EntryParts:
    return EntryParts(
        cache=cache,
        kind=CacheKind.CONVERTED,
        key=setup.entry_key.model_copy(update={"device": None}),
        content_schema=ParityCheck.known_version(),
        prefix=f"{_converted_prefix(setup)}/{setup.backend}-{setup.dtype}-{setup.key}",
        suffix=".parity.json",
    )


def _converted_prefix(setup: InferenceSetup) -> str:
    return f"{candidate_prefix(setup.candidate, setup.revision)}/converted"


class InferenceRecord(Stored):
    """The engine that computed one candidate's predictions in a run, and its parity with the reference.

    The reference is torch in float32, one window at a time.

    Attributes:
        asked: What the user chose: `auto` or a backend, followed by `fast` with that option.
        fallbacks: For each rejected engine the reason, in a sentence.
        note: Why `auto` did not look for a faster engine, if so.
        checked_clips: Clips of the comparison with the reference; 0 for the reference itself.
        largest_difference: Of a probability in that comparison; None for the reference itself.
        redone_below: Clips whose top-2 margin was below this were re-run, on the reference or on an engine in float32
            that passed.
        conversion_s: None if a former run has converted the model; `check_s` as well.
    """

    candidate: str
    asked: str
    backend: str
    dtype: str
    batch: int = 1
    fallbacks: tuple[str, ...] = ()
    note: str | None = None
    checked_clips: int = 0
    largest_difference: float | None = None
    allowed: float | None = None
    redone_below: float | None = None
    redone_clips: int = 0
    conversion_s: float | None = None
    check_s: float | None = None


class Stopped(StrEnum):
    """Why no more calls were timed; `precise` means that the median is known well enough."""

    PRECISE = "precise"
    TIME = "time"
    CALLS = "calls"
    FAILED = "failed"


class LatencyMeasurement(Stored):
    """Single calls of one model on one device, timed one at a time.

    The clock runs from float32 samples at the model's rate on the host to probabilities on the host.

    Attributes:
        calls_ms: Every timed call, in the order of the calls.
        peak_memory_mb: Largest memory of the worker in MB (10⁶ bytes); on a GPU, the allocator's peak there.
        machine_load: Busy share of the machine's processors before the measurement, 0 to 1.
        block_calls: Calls of one candidate before the next has its turn; 0 if unknown.
        others_before: Share of the processors that other processes kept busy before the measurement, 0 to 1; None if
            the system does not tell. `others_during` likewise, while this candidate's group was measured.
        reference: The workload that was timed before each block; in older records, a candidate that all groups share.
        reference_ms: Its median before each block.
        reference_drift: In older records, the reference's median in this group by its median in the first group.
    """

    candidate: str
    revision: str
    device: str
    backend: str
    dtype: str
    attention: str | None = None
    threads: int
    processor: str
    segment_s: float
    calls_ms: tuple[float, ...]
    warmup_calls: int
    load_s: float | None = None
    peak_memory_mb: float | None = None
    machine_load: float | None = None
    versions: dict[str, str] = {}
    failure: str | None = None
    stopped_by: Stopped | None = None
    block_calls: int = 0
    others_before: float | None = None
    others_during: float | None = None
    reference: str | None = None
    reference_ms: tuple[float, ...] = ()
    reference_drift: float | None = None
