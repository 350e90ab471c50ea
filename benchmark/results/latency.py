"""How long a model takes for one segment, with all that the figure depends on."""

from benchmark.results.schema import Stored


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
