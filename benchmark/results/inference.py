"""What computed a candidate's answers, and how far that was held against the reference."""

from typing import ClassVar

from benchmark.results.schema import Stored, StoredFile

MOST_CLOSE = 0.25
"""The share of clips to be done again above which a faster way is none: the reference takes about four times as long
as the fastest engine, and twice as long as the next."""


class ParityCheck(StoredFile):
    """How far a faster way to compute is from the reference; kept beside the converted model.

    Attributes:
        setup: Key of the setup whose answers it stands for.
        model: What tells the converted model from others; None where nothing was converted.
        decisions: In which ways outputs were read when these clips were compared, each a key.
        clips: Hashes of the clips that both were asked about.
        compared: How many of those both could process.
        largest_difference: The largest difference of a probability on any of them, and on the clips that were done
            again since.
        allowed: What it may be.
        close: How many of the compared clips would have to be done again.
        speed: How many times as fast as the reference it answered the middle one of them, in a full batch; None for
            what computes no batches.
        failure: Why it did not come to a comparison, where that will be so again.
        conversion_s: Seconds that the conversion took.
        seconds: Seconds that the comparison took, loading included.
    """

    SCHEMA_VERSION: ClassVar[int] = 2

    schema_version: int = SCHEMA_VERSION
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

    @property
    def passed(self) -> bool:
        """Whether it may stand for the reference, and is worth it."""
        return self.failure is None and self.is_like_the_reference and not self.is_undecided

    @property
    def is_like_the_reference(self) -> bool:
        """Whether no probability differs by more than is allowed."""
        return self.largest_difference <= self.allowed

    @property
    def is_ruled_out(self) -> bool:
        """Whether no further clip can change that it does not stand for the reference."""
        return self.failure is not None or not self.is_like_the_reference

    @property
    def is_undecided(self) -> bool:
        """Whether so many clips would have to be done again that nothing is gained."""
        return self.close > MOST_CLOSE * self.compared


class InferenceRecord(Stored):
    """What computed one candidate's answers in a run.

    Attributes:
        candidate: What tables call it.
        asked: What the user asked for: `auto`, or a backend's name; `fast` behind it where that was asked.
        backend: What computed: `torch`, `openvino` or `onnxruntime`.
        dtype: In which number format.
        batch: How many windows went through the model together.
        fallbacks: For each faster way that was not taken, the reason, in a sentence.
        note: Why `auto` did not look for a faster way, if so.
        checked_clips: Clips on which it was held against torch in float32, one at a time; 0 for that itself.
        largest_difference: The largest difference of a probability there; None for torch in float32 itself.
        allowed: What it may be.
        redone_below: Clips whose two best answers were closer than this were done again, in torch in float32 or in an
            engine in float32 that was held against that.
        redone_clips: How many of the run's clips those are.
        conversion_s: Seconds that the conversion took, when it was done.
        check_s: Seconds that the comparison took, when it was done.
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
