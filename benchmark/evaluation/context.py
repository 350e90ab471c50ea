"""What a user asks of a run, and what all its candidates share."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.audio_reader import AudioReader
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.engines import EngineChoice
from benchmark.results.prediction_store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, WorkerLostError


class Overwrite(StrEnum):
    """Which answers are computed, where some are already in the store."""

    NEVER = "never"
    MISSING = "missing"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a user asks of a run, beside its candidates and corpora.

    Attributes:
        segment_s: Length of the segments that latency is measured on, in seconds.
        latency_budget_s: How long the timed calls of one candidate on one device may take, in seconds; 0 measures none.
        find_speech: Whether to find out how much of each clip is speech.
        min_speech: Clips with a smaller share of speech, or none at all, are left out; None leaves none out.
        merge: Emotions that are merged into others, on every corpus.
        perturbations: What is done to every clip, one after the other, once they were computed as they are.
    """

    segment_s: float = 3.0
    latency_budget_s: float = 20.0
    find_speech: bool = True
    min_speech: float | None = None
    merge: dict[str, str] = field(default_factory=dict)
    overwrite: Overwrite = Overwrite.MISSING
    perturbations: tuple[Perturbation, ...] = ()
    engines: EngineChoice = field(default_factory=EngineChoice)


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What all candidates of a run share.

    Attributes:
        clips: The clips of all corpora.
        reader: Reads their audio.
        merges: Emotions that the corpora merge.
        threads: Threads that one worker may compute with.
        stop: Set when the user interrupts: no engine is tested from then on, and what is done is kept.
        alone: Whether this is the second try of candidates that have lost a worker, one at a time.
        work: How many clips there are to compute; None if they are `clips`.
        divided: Whether other shards compute some of the clips, so that the store does not say how many are answered.
        computed: The clips that were computed in this run, by the key of their setup; with `Overwrite.ALWAYS` only.
    """

    clips: ClipSet
    reader: AudioReader
    merges: tuple[Mapping[str, str], ...] = ()
    options: RunOptions
    store: PredictionStore
    settings: Settings
    threads: int
    stop: threading.Event = field(default_factory=threading.Event)
    alone: bool = False
    work: int | None = None
    divided: bool = False
    computed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def require_worker(self, answer: object) -> None:
        """Break off the first try of a candidate where an answer is that its worker has ended.

        Raises:
            WorkerLostError: Its worker has ended; the second try takes that as a failure of its engine.
        """
        if isinstance(answer, Crashed) and not (self.alone or self.stop.is_set()):
            raise WorkerLostError(answer)
