"""How long a model takes for one segment, with all that the figure depends on."""

from enum import StrEnum

from benchmark.results.schema import Stored


class Stopped(StrEnum):
    """Why no more calls were timed."""

    PRECISE = "precise"
    TIME = "time"
    CALLS = "calls"
    FAILED = "failed"


class LatencyMeasurement(Stored):
    """Single calls of one model on one device, timed one at a time.

    The clock runs from float32 samples at the model's rate on the host to probabilities on the host.

    Attributes:
        candidate: What tables call it.
        revision: The commit sha, or the content hash of a local folder.
        device: `cpu` or `cuda`.
        backend: `torch`, …
        dtype: `float32`, …
        attention: The attention implementation that the model runs.
        threads: Threads that one call may use.
        processor: Name of the processor, or of the GPU.
        segment_s: Length of the segments in seconds.
        calls_ms: Every timed call, in milliseconds, in the order they were made.
        warmup_calls: Calls before those, not timed.
        load_s: Seconds from opening the checkpoint to a model ready to answer.
        peak_memory_mb: Largest memory of the worker in MB (10⁶ bytes); on a GPU, the allocator's peak there.
        machine_load: The busy share of the machine's processors before the measurement, 0 to 1.
        versions: Versions of the libraries that compute.
        failure: Why there are no or fewer calls; None where nothing failed.
        stopped_by: What ended the measurement: the median was known well enough, its time or its calls were used up,
            or it failed; None where that was not written down.
        block_calls: Calls of one turn, after which another candidate had its own; 0 where unknown.
        others_before: Share of the processors that other processes kept busy before the measurement, 0 to 1; None
            where the system does not tell.
        others_during: The same while this candidate's group was measured.
        reference: Where memory does not hold all candidates, the one that every group is measured beside.
        reference_drift: The reference's median in this group by its median in the first group.
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
    reference_drift: float | None = None
