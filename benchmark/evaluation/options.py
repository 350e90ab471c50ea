"""What a user asks of a run."""

from dataclasses import dataclass, field

from benchmark.audio.perturbation import Perturbation
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.predict import Overwrite
from benchmark.evaluation.segments import DEFAULT_SEGMENT_S


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a user asks of a run, beside its candidates and corpora.

    Attributes:
        min_emotions: How many classes a candidate must distinguish to be run.
        devices: Where to run: `cpu`, `cuda`; empty for the CPU and, where torch sees one, the GPU.
        limit: Clips per corpus at most; None for all.
        segment_s: Length of the segments that latency is measured on, in seconds.
        latency_budget_s: How long the timed calls of one candidate on one device may take, in seconds.
        find_speech: Whether to find out how much of each clip is speech.
        min_speech: Clips with a smaller share of speech, or none at all, are left out; None leaves none out.
        merge: Emotions that are merged into others, on every corpus.
        overwrite: Which answers are computed where some are already in the store.
        engines: What the user wants to be computed with; reference inference unless said otherwise.
        perturbations: What is done to every clip, one after the other, to see which answers survive it.
    """

    min_emotions: int = 2
    devices: tuple[str, ...] = ()
    limit: int | None = None
    segment_s: float = DEFAULT_SEGMENT_S
    latency_budget_s: float = 20.0
    find_speech: bool = True
    min_speech: float | None = None
    merge: dict[str, str] = field(default_factory=dict)
    overwrite: Overwrite = Overwrite.MISSING
    perturbations: tuple[Perturbation, ...] = ()
    engines: EngineChoice = field(default_factory=EngineChoice)
