"""Converting a model and holding it against the reference, in a worker that ends when that is done."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.decoding import decode_windows
from benchmark.evaluation.parity import ALLOWED, Decisions, redo_below
from benchmark.evaluation.sessions import load_options, log_path
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.answering import window_answer
from benchmark.models.backends.protocol import OPENVINO, TORCH, BackendError, Engine, Streams
from benchmark.models.reports import LoadReport
from benchmark.results.inference import ParityCheck
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.backends.gate_actor:GateActor"
# Clips that are asked about at once, for each stream: so many that streams seldom wait for each other, and so few that
# their audio is a small part of what the models take.
_CLIPS_PER_STREAM = 4
# The clock's own step.
_SHORTEST_S = 1e-9
# A disk that is full, a drive that is not there: not the model's fault, nor the engine's.
_OF_THE_SYSTEM = {"OSError", *(kind.__name__ for kind in OSError.__subclasses__())}


class NotTakenError(Exception):
    """A faster way cannot be taken; the message is the reason, for a sentence.

    Attributes:
        lasting: Whether that will be so again; a worker that was killed may live the next time.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


@dataclass(frozen=True)
class _Compared:
    """A clip that both have answered.

    Attributes:
        difference: How far they are apart.
        margin: How far the two best answers are.
        speed: How many times as fast as the reference the other was.
    """

    difference: float
    margin: float
    speed: float


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Holds one way to compute a subject's model against the reference.

    Attributes:
        subject: Whose model.
        engine: What is to compute it.
        setup: The key of the setup whose answers that would give.
        converted: Where the converted model lies, or will.
        decisions: How its outputs are read.
        threads: Threads that it may compute with.
        settings: Limits and places.
        stop: Set when the user interrupts.
    """

    subject: Subject
    engine: Engine
    setup: str
    converted: Path
    decisions: Decisions
    threads: int
    settings: Settings
    stop: threading.Event

    def check(self, clips: Mapping[str, AudioSource], before: ParityCheck | None) -> ParityCheck:
        """Convert the model where that has not been done, and compare.

        Args:
            clips: What both are asked about, by clip hash; of a long clip its first window.
            before: What was found with other clips, which still counts if the converted model is the same.

        Returns:
            What was found, whether it is within what is allowed or not.

        Raises:
            NotTakenError: It did not come to a comparison.
        """
        begin = time.perf_counter()
        log = log_path(self.subject, self.settings)
        with Worker(_ACTOR, log=log, limits=Limits(threads=self._streams.threads)) as worker:
            # A reference that cannot be loaded says nothing of the faster way.
            problem, streams = "the reference cannot be loaded", self._streams.count
            answer = self._call(worker, "load", problem, *self._checkpoint(), streams, lasting=False)
            loaded = LoadReport.from_plain(answer)
            self._require_format(worker)
            made = self._convert(worker)
            compared = self._compare(worker, loaded, clips)
        before = before if before is not None and before.model == made.get("digest") else None
        # Clips that were read in other ways have to be compared again.
        counted = before if before and self.decisions.key in before.decisions else None
        read_before = before.decisions if before and set(before.clips) <= clips.keys() else ()
        if not compared and counted is None:
            raise NotTakenError("there is no clip on which it could be held against the reference", lasting=False)
        differences = [one.difference for one in compared]
        largest = float(np.max([before.largest_difference if before else 0.0, *differences]))
        return ParityCheck(
            setup=self.setup,
            model=made.get("digest"),
            decisions=counted.decisions if counted else (*read_before, self.decisions.key),
            clips=(*(counted.clips if counted else ()), *clips),
            compared=len(compared) + (counted.compared if counted else 0),
            largest_difference=largest,
            allowed=ALLOWED[self.engine.dtype],
            close=sum(one.margin < redo_below(largest) for one in compared) + (counted.close if counted else 0),
            speed=self._speed(compared, counted),
            conversion_s=made.get("seconds", 0.0),
            seconds=max(0.0, time.perf_counter() - begin - (made["spent"] if made else 0.0)),
        )

    def _speed(self, compared: Sequence[_Compared], counted: ParityCheck | None) -> float | None:
        """How fast batches are; what was compared before says it if nothing was since."""
        if self.engine.batch == 1:
            return None
        if not compared:
            return counted.speed if counted else None
        return float(np.median([one.speed for one in compared]))

    def failed(self, reason: str) -> ParityCheck:
        """What is kept where it did not come to a comparison: nothing was measured, and the most is assumed."""
        allowed = ALLOWED[self.engine.dtype]
        return ParityCheck(
            setup=self.setup, model=None, clips=(), compared=0, largest_difference=1.0, allowed=allowed, failure=reason
        )

    def _checkpoint(self) -> tuple[object, ...]:
        reference = Engine(device=self.engine.device)
        return str(self.subject.folder), load_options(self.subject, reference).as_plain()

    def _require_format(self, worker: Worker) -> None:
        reduced = self.engine.backend == OPENVINO and self.engine.dtype != "float32"
        if reduced and not self._call(worker, "computes_in", "the processor cannot be asked", self.engine.dtype):
            # The cache may be another machine's next time.
            raise NotTakenError(f"this processor does not compute in {self.engine.dtype}", lasting=False)

    def _convert(self, worker: Worker) -> dict[str, Any]:
        """Convert, and open what was converted."""
        made: dict[str, Any] = {}
        folder = None
        if self.engine.backend != TORCH:
            begin = time.perf_counter()
            folder = str(self.converted.absolute())
            made = self._call(worker, "convert", "it cannot be converted", self.engine.backend, folder)
            made["spent"] = time.perf_counter() - begin
        engine, streams = self.engine.as_plain(), self._streams.as_plain()
        self._call(worker, "open", "it cannot be opened", engine, streams, folder, *self._checkpoint())
        return made

    def _compare(self, worker: Worker, loaded: LoadReport, clips: Mapping[str, AudioSource]) -> list[_Compared]:
        """Ask both about every clip that the reference can process."""
        compared = []
        together = max(_CLIPS_PER_STREAM * self._streams.count, 2 * self.engine.batch)
        for start in range(0, len(clips), together):
            self._go_on()
            some = dict(islice(clips.items(), start, start + together))
            heard = {name: _first_window(name, source, loaded) for name, source in some.items()}
            windows = {name: window for name, window in heard.items() if window is not None}
            answers = self._ask(worker, "exchange", windows)
            exact = {name: answer.value for name, answer in answers.items() if isinstance(answer, Returned)}
            others = self._ask(worker, "candidate_exchange", {name: windows[name] for name in exact})
            for name, answer in others.items():
                other = _value(answer, "it cannot process a clip that torch can")
                compared.append(self._compared(exact[name], other))
        return compared

    def _compared(self, exact: Mapping[str, Any], other: Mapping[str, Any]) -> _Compared:
        logits = other["logits"][None]
        return _Compared(
            difference=self.decisions.difference(exact["logits"][None], logits),
            margin=float(self.decisions.margins(logits)[0]),
            speed=exact["seconds"] / max(other["seconds"], _SHORTEST_S),
        )

    def _ask(self, worker: Worker, method: str, windows: Mapping[str, NDArray[np.float32]]) -> dict[str, Answer]:
        """Ask one of both about windows, side by side."""
        turns = max(1, math.ceil(len(windows) / self._streams.count))
        timeout_s = self.settings.clip_timeout_s * turns
        answer = worker.call(method, list(windows.values()), 0, timeout_s=timeout_s)
        if not isinstance(answer, Returned):
            raise NotTakenError(f"the worker ended while both were compared: {answer.reason}", lasting=False)
        return dict(zip(windows, map(window_answer, answer.value), strict=True))

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise NotTakenError("the run was interrupted", lasting=False)

    def _call(self, worker: Worker, method: str, problem: str, *arguments: object, lasting: bool = True) -> Any:
        self._go_on()
        answer = worker.call(method, *arguments, timeout_s=self.settings.load_timeout_s)
        return _value(answer, problem, lasting=lasting)

    @property
    def _streams(self) -> Streams:
        at_once = self.engine.device == "cpu" and self.engine.batch == 1
        return Streams.side_by_side(self.threads) if at_once else Streams.one_at_a_time(self.threads)


def _value(answer: Answer, problem: str, *, lasting: bool = True) -> Any:
    if not isinstance(answer, Returned):
        if isinstance(answer, Raised) and answer.kind == BackendError.__name__:
            raise NotTakenError(answer.message, lasting=lasting)  # it is a sentence by itself
        of_the_model = isinstance(answer, Raised) and answer.kind not in _OF_THE_SYSTEM
        raise NotTakenError(f"{problem}: {answer.reason}", lasting=lasting and of_the_model)
    return answer.value


def _first_window(clip_hash: str, source: AudioSource, loaded: LoadReport) -> NDArray[np.float32] | None:
    rate = loaded.sampling_rate or 1
    with closing(decode_windows([(clip_hash, source)], sampling_rate=rate, window_s=loaded.window_s)) as windows:
        return next(windows).samples
