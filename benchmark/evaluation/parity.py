"""Whether a faster engine may stand for the reference (PROTOCOL, Latency, Parity of a faster path).

Two models whose probabilities differ by d at most decide alike wherever the two best answers are more than 2·d apart.
What is observed on some clips is no bound for all others: clips are re-run from twice that distance on.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.corpora.audio_reader import AudioReader, ClipWindow
from benchmark.corpora.audio_sources import AudioSource
from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import merged
from benchmark.evaluation.context import RunContext
from benchmark.evaluation.decoding import decode_windows
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.backends.protocol import OPENVINO, TORCH, BackendError, Engine
from benchmark.models.load_reports import LoadReport
from benchmark.results.inference_record import ParityCheck
from benchmark.results.predictions import Prediction
from benchmark.results.verification import Verification
from benchmark.workers.answers import Answer, Raised, Returned

CLIPS_COMPARED = 32
FIRST_COMPARED = 4
"""Clips that are compared before a run; where they hardly differ, the others follow when it has computed them."""
ALLOWED = {"float32": 1e-3, "bfloat16": 2e-2, "float16": 2e-2}
"""The largest difference of a probability that a number format may make."""
# Twice the observed difference is PROTOCOL's; as much again is for clips that differ more than the compared ones.
_MARGIN = 4.0
# Where hardly a difference is seen, rounding alone still decides between two equal answers.
_SMALLEST_DIFFERENCE = 1e-6
# The clock's own step.
_SHORTEST_S = 1e-9
# A full disk, a drive that is not there: not the model's fault, nor the engine's.
_OF_THE_SYSTEM = {"OSError", *(kind.__name__ for kind in OSError.__subclasses__())}


@dataclass(frozen=True)
class Decisions:
    """The readings of a model's outputs as one answer: as labels, and as emotions under every merge (`label_maps`)."""

    label_maps: tuple[LabelMap, ...]

    @classmethod
    def of(cls, verification: Verification, merges: Sequence[Mapping[str, str]]) -> "Decisions":
        """The readings of a candidate, without merges and with those of a run's corpora."""
        label_maps = [LabelMap(verification.labels, merged(verification.emotions, merge)) for merge in ({}, *merges)]
        return cls(tuple(dict.fromkeys(label_maps)))

    @property
    def key(self) -> str:
        """A hash of the readings."""
        content = json.dumps([[label_map.labels, label_map.emotions] for label_map in self.label_maps])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def probabilities(self, logits: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """The probabilities in each reading, of shape (clips, answers), from logits of shape (clips, labels)."""
        of_labels = softmax(logits.astype(np.float64), axis=1)
        return [of_labels, *(label_map.probabilities(logits) for label_map in self.label_maps)]

    def difference(self, logits: NDArray[np.floating], others: NDArray[np.floating]) -> float:
        """The largest difference of a probability, in any reading; NaN if one of them is not finite.

        Examples:
            >>> sums = Decisions((LabelMap(("a", "b", "c"), ("joy", "joy", "anger")),))
            >>> probabilities, others = np.array([[0.3, 0.3, 0.4]]), np.array([[0.35, 0.35, 0.3]])
            >>> round(sums.difference(np.log(probabilities), np.log(others)), 3)
            0.1
        """
        pairs = zip(self.probabilities(logits), self.probabilities(others), strict=True)
        return float(np.max([np.abs(left - right).max() for left, right in pairs if left.size], initial=0.0))

    def margins(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """The distance of each clip's two best answers, in the reading in which it is smallest; 1 if there is one."""
        margins = np.ones(len(logits))
        for probabilities in self.probabilities(logits):
            if probabilities.shape[1] > 1:
                best = np.partition(probabilities, -2, axis=1)[:, -2:]
                margins = np.minimum(margins, best[:, 1] - best[:, 0])
        return margins


def rerun_margin(largest_difference: float) -> float:
    """The distance of the two best answers below which a clip is re-run.

    Examples:
        >>> rerun_margin(0.001), rerun_margin(0.0)
        (0.004, 4e-06)
    """
    return _MARGIN * max(largest_difference, _SMALLEST_DIFFERENCE)


def stratified(durations: Mapping[str, float], count: int) -> tuple[str, ...]:
    """Choose `count` clips of all lengths: the shortest, the longest, and evenly many between, shortest first.

    Examples:
        >>> stratified({"a": 3.0, "b": 1.0, "c": 2.0, "d": 9.0, "e": 4.0}, 3)
        ('b', 'a', 'd')
    """
    ordered = sorted(durations, key=lambda clip_hash: (durations[clip_hash], clip_hash))
    if len(ordered) <= count:
        return tuple(ordered)
    positions = np.linspace(0, len(ordered) - 1, count).round().astype(int)
    return tuple(ordered[position] for position in positions)


class EngineRejectedError(Exception):
    """An engine cannot be taken; the message is the reason, as a part of a sentence.

    Attributes:
        lasting: Whether another attempt would fail as well; a worker that was killed may live the next time.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


@dataclass(frozen=True, kw_only=True)
class ParityTest:
    """Compares an engine with the reference, each in a worker of its own, one after the other to save memory.

    Attributes:
        implementation: The engine, and where its converted model is, or will be.
        setup: The key of the setup whose answers the engine would give.
    """

    subject: Subject
    implementation: Implementation
    setup: str
    decisions: Decisions
    context: RunContext

    def run(self, clips: Mapping[str, AudioSource], before: ParityCheck | None) -> ParityCheck:
        """Convert the model unless that has been done, and compare.

        Args:
            clips: Clips to compare, by clip hash; of a long clip its first window.
            before: The result on other clips, which still counts if the converted model is the same.

        Raises:
            EngineRejectedError: They could not be compared.
            WorkerLostError: A worker has ended, for the first time.
        """
        begin = time.perf_counter()
        digest, conversion_s, spent_s = None, 0.0, 0.0
        reference = Implementation(Engine(device=self._engine.device))
        with self._session(reference, writable=self._conversion_folders()) as session:
            # A reference that cannot be loaded says nothing of the engine.
            loaded = self._load(session, "the reference cannot be loaded", lasting=False)
            self._require_dtype(session)
            answers = self._compute(session, clips, loaded)
            expected = {name: answer.value for name, answer in answers.items() if isinstance(answer, Returned)}
            if self._engine.backend != TORCH:
                self._require_running()
                converting = time.perf_counter()
                answer = session.convert(self._engine.backend, self.implementation.converted or Path())
                self.context.require_worker(answer)
                converted = _value(answer, "it cannot be converted")
                digest, conversion_s = converted["digest"], converted["seconds"]
                spent_s = time.perf_counter() - converting
        with self._session(replace(self.implementation, digest=None)) as session:
            self._load(session, "it cannot be opened")
            answers = self._compute(session, {name: clips[name] for name in expected}, loaded)
        values = {name: _value(answer, "it cannot process a clip that torch can") for name, answer in answers.items()}
        pairs = [(expected[name], value) for name, value in values.items()]
        seconds = max(0.0, time.perf_counter() - begin - spent_s)
        check = self._check(pairs, tuple(clips), digest, before)
        return check.model_copy(update={"conversion_s": conversion_s, "seconds": seconds})

    def complete(
        self, clips: Mapping[str, AudioSource], answers: Mapping[str, Prediction], before: ParityCheck
    ) -> ParityCheck:
        """Compare further clips that the engine has computed, each of one window.

        The reference's answers are not stored: computed side by side, their last bits are not those of a run in torch.

        Args:
            clips: The clips, by clip hash.
            answers: What the engine has answered to them.
            before: The result on other clips.

        Raises:
            EngineRejectedError: They could not be compared.
            WorkerLostError: A worker has ended, for the first time.
        """
        begin = time.perf_counter()
        with self._session(Implementation(Engine(device=self._engine.device))) as session:
            loaded = self._load(session, "the reference cannot be loaded", lasting=False)
            computed = self._compute(session, clips, loaded)
        pairs = [
            (answer.value, {"logits": answers[name].logits, "seconds": answers[name].seconds})
            for name, answer in computed.items()
            if isinstance(answer, Returned)
        ]
        check, seconds = self._check(pairs, tuple(clips), before.model, before), time.perf_counter() - begin
        update = {"conversion_s": before.conversion_s, "seconds": (before.seconds or 0.0) + seconds}
        return check.model_copy(update=update)

    def failed(self, reason: str) -> ParityCheck:
        """The result if they cannot be compared, with the largest difference that there may be."""
        return self._empty().model_copy(update={"largest_difference": 1.0, "failure": reason})

    def _empty(self, digest: str | None = None) -> ParityCheck:
        allowed = ALLOWED[self._engine.dtype]
        return ParityCheck(
            setup=self.setup, model=digest, clips=(), compared=0, largest_difference=0.0, allowed=allowed
        )

    @property
    def _engine(self) -> Engine:
        return self.implementation.engine

    def _conversion_folders(self) -> Sequence[Path]:
        """The folder in which the converted model is made and gets its name; none where nothing is converted."""
        if self.implementation.converted is None:
            return ()
        folder, cache = self.implementation.converted.parent, self.context.settings.cache
        if folder.resolve() != cache.resolve() / folder.relative_to(cache):
            raise EngineRejectedError("the cache's folder of converted models is behind a link", lasting=False)
        with suppress(OSError):  # the conversion reports it
            folder.mkdir(parents=True, exist_ok=True)
        return (folder,)

    def _session(self, implementation: Implementation, writable: Sequence[Path] = ()) -> ModelSession:
        return ModelSession(
            self.subject,
            implementation,
            threads=self.context.threads,
            settings=self.context.settings,
            side_by_side=self._engine.batch == 1 or implementation.engine.batch > 1,
            writable=writable,
        )

    def _load(self, session: ModelSession, problem: str, *, lasting: bool = True) -> LoadReport:
        self._require_running()
        loaded = session.load()
        self.context.require_worker(loaded)
        return loaded if isinstance(loaded, LoadReport) else _value(loaded, problem, lasting=lasting)

    def _require_dtype(self, session: ModelSession) -> None:
        if self._engine.backend != OPENVINO or self._engine.dtype == "float32":
            return
        self._require_running()
        answer = session.computes_in(self._engine.dtype)
        self.context.require_worker(answer)
        if not _value(answer, "the processor cannot be asked"):
            # The cache may be another machine's next time.
            raise EngineRejectedError(f"this processor does not compute in {self._engine.dtype}", lasting=False)

    def _require_running(self) -> None:
        if self.context.stop.is_set():
            raise EngineRejectedError("the run was interrupted", lasting=False)

    def _compute(
        self, session: ModelSession, clips: Mapping[str, AudioSource], loaded: LoadReport
    ) -> dict[str, Answer]:
        """Answers to the first windows of all clips that can still be read, by clip hash."""
        self._require_running()
        answers = {}
        for answered in session.answers(_first_windows(clips, self.context.reader, loaded)):
            self._require_running()
            self.context.require_worker(answered.end)
            if answered.end is not None:
                reason = f"the worker ended while both were compared: {answered.end.reason}"
                raise EngineRejectedError(reason, lasting=False)
            if answered.answer is not None:
                answers[answered.window.clip_hash] = answered.answer
        return answers

    def _check(
        self,
        pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
        clips: tuple[str, ...],
        digest: str | None,
        before: ParityCheck | None,
    ) -> ParityCheck:
        """Put the answers of both engines to some clips together with an earlier result."""
        empty = self._empty(digest)
        before = before if before is not None and before.model == digest else empty
        # Clips that were read in other ways have to be compared again.
        counted = before if self.decisions.key in before.decisions else empty
        read_before = before.decisions if set(before.clips) <= set(clips) else ()
        if not pairs and counted is empty:
            raise EngineRejectedError("there is no clip on which it could be held against the reference", lasting=False)
        differences = [
            self.decisions.difference(exact["logits"][None], other["logits"][None]) for exact, other in pairs
        ]
        largest = float(np.max([before.largest_difference, *differences]))
        margins = [self.decisions.margins(other["logits"][None])[0] for _, other in pairs]
        speeds = [exact["seconds"] / max(other["seconds"], _SHORTEST_S) for exact, other in pairs]
        return ParityCheck(
            setup=self.setup,
            model=digest,
            decisions=counted.decisions or (*read_before, self.decisions.key),
            clips=(*counted.clips, *clips),
            compared=counted.compared + len(pairs),
            largest_difference=largest,
            allowed=empty.allowed,
            close=counted.close + sum(margin < rerun_margin(largest) for margin in margins),
            speed=self._speed(speeds, counted),
        )

    def _speed(self, speeds: Sequence[float], counted: ParityCheck) -> float | None:
        """How many times as fast as the reference full batches are; the earlier value if nothing was measured."""
        if self._engine.batch == 1:
            return None
        return float(np.median(speeds)) if speeds else counted.speed


def _value(answer: Answer, problem: str, *, lasting: bool = True) -> Any:
    if isinstance(answer, Returned):
        return answer.value
    if isinstance(answer, Raised) and answer.kind == BackendError.__name__:
        raise EngineRejectedError(answer.message, lasting=lasting)  # it is a sentence by itself
    of_the_model = isinstance(answer, Raised) and answer.kind not in _OF_THE_SYSTEM
    raise EngineRejectedError(f"{problem}: {answer.reason}", lasting=lasting and of_the_model)


def _first_windows(clips: Mapping[str, AudioSource], reader: AudioReader, loaded: LoadReport) -> Iterator[ClipWindow]:
    rate = loaded.sampling_rate or 1
    for clip_hash, source in clips.items():
        windows = decode_windows([(clip_hash, source)], reader, sampling_rate=rate, window_s=loaded.window_s)
        with closing(windows):
            yield next(windows)
