"""Models that a program of the user's computes, in an environment of its own: the protocol on its pipes.

The program says in one line of JSON what it is; then it reads frames of samples and writes one line of JSON for each
(docs/guides/program.md). It runs as a child of a worker of kind FOREIGN, which ends with it and all its own processes.
"""

import contextlib
import json
import logging
import math
import os
import re
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmark.emotions.aliases import emotion_of
from benchmark.errors import shorten
from benchmark.models.load_reports import CheckpointError, LoadReport
from benchmark.models.speech_model import SpeechModel
from benchmark.results.predictions import FOREIGN
from benchmark.workers.child import kill_descendants

logger = logging.getLogger(__name__)

RESTARTS = 3
"""How often a program that ends or does not answer is started again in one session."""
TEXT = "text"

_MOST_LABELS = 1_000
_LONGEST_LINE = 1_000_000
_MOST_OTHER_OUTPUT = 10_000_000
_LONGEST_WINDOW_S = 3_600.0
_TOLERANCE = 1e-3
_SHOWN = 80
_READ_BYTES = 1 << 16
_END_S = 2.0
_TRIES = 2
_BYTES_PER_MB = 1_000_000
_WORD = re.compile(r"[^\W\d_]+")
# A label without probability; the logarithm must stay finite.
_LEAST = 1e-30


class NoAnswerError(CheckpointError):
    """The program answered, and its answer is none."""


class ProgramError(Exception):
    """The program does not follow the protocol, does not answer in time, or has ended."""


class Announcement(BaseModel):
    """The first line of a program.

    Attributes:
        protocol: 1.
        model: What computes, as reports name it.
        revision: Its version, if it knows it.
        labels: What it distinguishes, in the order of `scores` that are a list.
        sampling_rate: Of the samples that it reads, in Hz.
        window_s: The longest stretch that it reads at once.
        answers: Whether it gives `probabilities`, `logits` or a `text` that names a label.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    protocol: Literal[1]
    model: str = Field(min_length=1, max_length=300)
    revision: str = Field(default="", max_length=300)
    labels: list[str] = Field(min_length=1, max_length=_MOST_LABELS)
    sampling_rate: int = Field(default=16_000, ge=1_000, le=192_000)
    window_s: float = Field(default=30.0, gt=0, le=_LONGEST_WINDOW_S)
    answers: Literal["probabilities", "logits", "text"] = "probabilities"

    @field_validator("labels")
    @classmethod
    def _differ(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise ValueError("labels must differ, and none may be empty")
        return labels

    @classmethod
    def parse(cls, line: bytes) -> "Announcement":
        """Read the first line.

        Raises:
            ProgramError: It is no announcement.
        """
        try:
            return cls.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "it"
            raise ProgramError(f"its first line is no announcement: {where}: {first['msg']}") from None
        except (ValueError, RecursionError):
            raise ProgramError(f"its first line is no announcement, but {_shown(line)}") from None


@dataclass(frozen=True, kw_only=True)
class ForeignCommand:
    """How a program is run.

    Attributes:
        arguments: The command and its arguments; no shell reads them.
        start_timeout_s: How long it may take until it announces itself.
        answer_timeout_s: How long it may take for one window.
    """

    arguments: Sequence[str]
    start_timeout_s: float
    answer_timeout_s: float


class ForeignProgram:
    """A running program. Its standard error is that of this process, which is the log of the worker."""

    def __init__(self, command: ForeignCommand, folder: Path) -> None:
        self._command = command
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command, allowed with --allow-code
                list(command.arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=folder,
                env=environment,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            raise ProgramError(f"{command.arguments[0]!r} cannot be started: {problem}") from None
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        for descriptor in (self._input, self._output):
            os.set_blocking(descriptor, False)
        self._buffer = bytearray()
        self._skipped = 0
        self._sent = 0
        try:
            self.announcement = Announcement.parse(self._line(time.monotonic() + command.start_timeout_s))
        except ProgramError:
            self.close()
            raise

    def ask(self, samples: NDArray[np.float32]) -> dict[str, Any]:
        """Send one window, and return what is said of it.

        Raises:
            ProgramError: It has ended, does not answer in time, or its answer is not in the protocol.
        """
        self._sent += 1
        deadline = time.monotonic() + self._command.answer_timeout_s
        content = samples.astype("<f4", copy=False)
        self._write(struct.pack("<II", self._sent, content.size) + content.tobytes(), deadline)
        line = self._line(deadline)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise ProgramError(f"its answer is no JSON: {_shown(line)}") from None
        if not isinstance(answer, dict) or answer.get("id") != self._sent:
            raise ProgramError(f"it answers out of order: window {self._sent} was asked, and it wrote {_shown(line)}")
        return answer

    def close(self) -> None:
        """End it: its input is closed; soon after it and all that it has started are killed."""
        self._process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        kill_descendants(os.getpid())
        self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]

    def peak_memory_mb(self) -> float:
        """The most memory that it and its own processes have used, as far as they still run, in MB (10⁶ bytes)."""
        peaks = 0
        with contextlib.suppress(psutil.Error):
            program = psutil.Process(self._process.pid)
            for process in (program, *program.children(recursive=True)):
                with contextlib.suppress(psutil.Error, OSError):
                    peaks += _peak_bytes(process)
        return peaks / _BYTES_PER_MB

    def _write(self, content: bytes, deadline: float) -> None:
        """Write a frame; what it prints meanwhile is taken, so that neither waits for the other."""
        rest = memoryview(content)
        with selectors.DefaultSelector() as selector:
            selector.register(self._input, selectors.EVENT_WRITE)
            selector.register(self._output, selectors.EVENT_READ)
            while rest:
                for key, _ in self._ready(selector, deadline):
                    if key.fd == self._output:
                        self._read()
                    else:
                        try:
                            rest = rest[os.write(self._input, rest) :]
                        except BrokenPipeError:
                            raise ProgramError(self._end()) from None

    def _line(self, deadline: float) -> bytes:
        """The next line that begins with a brace; others are what a library printed, and go to the log."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while True:
                while (end := self._buffer.find(b"\n")) >= 0:
                    line = bytes(self._buffer[:end]).strip()
                    del self._buffer[: end + 1]
                    if line.startswith(b"{"):
                        self._skipped = 0
                        return line
                    self._skip(line)
                if len(self._buffer) > _LONGEST_LINE:
                    raise ProgramError(f"it writes a line of more than {_LONGEST_LINE:,} bytes")
                self._ready(selector, deadline)
                self._read()

    def _ready(self, selector: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
        left = deadline - time.monotonic()
        ready = selector.select(left) if left > 0 else []
        if not ready:
            limit = self._command.answer_timeout_s if self._sent else self._command.start_timeout_s
            raise ProgramError(f"it gave no {'answer' if self._sent else 'first line'} within {limit:g} s")
        return ready

    def _read(self) -> None:
        try:
            content = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return
        if not content:
            raise ProgramError(self._end())
        self._buffer += content
        if len(self._buffer) > _LONGEST_LINE + _MOST_OTHER_OUTPUT:
            raise ProgramError("it writes more than is asked of it")

    def _skip(self, line: bytes) -> None:
        if line:
            logger.info("the program printed %s", _shown(line))
        self._skipped += len(line) + 1
        if self._skipped > _MOST_OTHER_OUTPUT:
            raise ProgramError(f"it printed {_MOST_OTHER_OUTPUT:,} bytes that are no answer")

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        code = self._process.returncode
        if code is None:
            return "it closed its output"
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"


class ForeignModel(SpeechModel):
    """A model that a program computes; a program that ends or hangs is started again, a few times."""

    shortest = 1

    def __init__(self, command: ForeignCommand, folder: Path) -> None:
        self._command, self._folder = command, folder
        self._restarts = 0
        begin = time.perf_counter()
        self._program = self._start()
        self._announced = self._program.announcement
        self._labels = _Labels(self._announced.labels)
        announced = self._announced
        self.report = LoadReport(
            architecture=announced.model,
            model_type=FOREIGN,
            head=FOREIGN,
            head_parameters={"model": announced.model, "revision": announced.revision, "answers": announced.answers},
            labels=tuple(announced.labels),
            multi_label=False,
            parameters=0,
            dtype="unknown",
            device="cpu",
            attention=None,
            sampling_rate=announced.sampling_rate,
            window_s=announced.window_s,
            fixed_window=False,
            seconds=time.perf_counter() - begin,
        )

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the program for one window of mono samples at its rate; the logarithms of its probabilities.

        Raises:
            NoAnswerError: Its answer names no label, several, or holds no probabilities.
            CheckpointError: It ended twice at this window, or did not answer it in time.
        """
        return self._labels.logits(self._ask(samples), self._announced.answers)

    def close(self) -> None:
        """End the program."""
        self._program.close()

    def peak_memory_elsewhere_mb(self) -> float:
        """That of the program and its own processes."""
        return self._program.peak_memory_mb()

    def _ask(self, samples: NDArray[np.float32]) -> dict[str, Any]:
        begin, problem = time.monotonic(), ""
        for _ in range(_TRIES):
            try:
                return self._program.ask(samples)
            except ProgramError as error:
                problem = str(error)
                logger.info("the program is started again: %s", problem)
                self._restart(problem)
            if time.monotonic() - begin >= self._command.answer_timeout_s:  # it would only hang again
                break
        raise CheckpointError(f"the program failed at this window: {problem}")

    def _restart(self, problem: str) -> None:
        self._program.close()
        self._restarts += 1
        try:
            if self._restarts <= RESTARTS:
                self._program = self._start()
                if self._program.announcement == self._announced:
                    return
                problem = "it announces something else than before"
        except ProgramError as error:
            problem = str(error)
        logger.error("the program is not started again after %d times: %s", self._restarts, problem)
        kill_descendants(os.getpid())
        os._exit(1)  # the end of a worker in the middle of a call: the candidate is tried once more, alone

    def _start(self) -> ForeignProgram:
        return ForeignProgram(self._command, self._folder)


def load_foreign(command: Mapping[str, Any], folder: Path) -> ForeignModel:
    """Start a program as a model.

    Args:
        command: Fields of `ForeignCommand`.
        folder: Where it runs.

    Raises:
        CheckpointError: It cannot be started, or does not announce itself.
    """
    if sys.platform == "win32":
        raise CheckpointError("programs of your own are run on Linux and macOS only")
    try:
        return ForeignModel(ForeignCommand(**command), folder)
    except ProgramError as error:
        raise CheckpointError(str(error)) from None


class _Labels:
    """Reads answers in terms of the labels."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._index = {label: number for number, label in enumerate(labels)}
        self._by_text: dict[str, int] = {}
        for number, label in enumerate(labels):
            self._by_text.setdefault(label.casefold(), number)
            if emotion := emotion_of(label):
                self._by_text.setdefault(emotion, number)

    def logits(self, answer: Mapping[str, Any], kind: str) -> NDArray[np.float32]:
        if isinstance(answer.get("error"), str):
            raise NoAnswerError(f"it says: {answer['error'][:_SHOWN]}")
        if kind == TEXT:
            if not isinstance(answer.get("text"), str):
                raise NoAnswerError("its answer has no text")
            values = np.full(len(self._labels), math.log(_LEAST), dtype=np.float32)
            values[self._meant(answer["text"])] = 0.0
            return values
        numbers = self._numbers(answer.get("scores"))
        return numbers.astype(np.float32) if kind == "logits" else _logarithms(numbers)

    def _numbers(self, scores: object) -> NDArray[np.float64]:
        """The scores in the order of the labels; a label that an object leaves out has 0."""
        if isinstance(scores, dict):
            if unknown := [label for label in scores if label not in self._index]:
                raise NoAnswerError(f"its answer has labels that it did not announce: {shorten(unknown)}")
            scores = [scores.get(label, 0.0) for label in self._labels]
        if not isinstance(scores, list) or len(scores) != len(self._labels):
            raise NoAnswerError(f"its answer has no list of {len(self._labels)} scores")
        if not all(isinstance(score, int | float) and not isinstance(score, bool) for score in scores):
            raise NoAnswerError("its scores are not all numbers")
        try:
            numbers = np.array(scores, dtype=np.float64)
        except OverflowError:
            numbers = np.array([math.inf])
        if not np.isfinite(numbers).all():
            raise NoAnswerError("one of its scores is not finite")
        return numbers

    def _meant(self, text: str) -> int:
        """The label that a text names: as a whole, or by the words in it, where they all name the same one."""
        whole = text.strip().strip("\"'`.!<>|*[](){}:").casefold()
        candidates = {self._by_text.get(whole), self._by_text.get(emotion_of(whole) or "")} - {None}
        if not candidates:
            words = [word.casefold() for word in _WORD.findall(text)]
            candidates = {self._by_text.get(word, self._by_text.get(emotion_of(word) or "")) for word in words} - {None}
        if len(candidates) == 1:
            return candidates.pop()  # type: ignore[return-value] # None has been taken away
        what = "names several labels" if candidates else "names no label"
        raise NoAnswerError(f"its answer, {text.strip()[:_SHOWN]!r}, {what}")


def _logarithms(probabilities: NDArray[np.float64]) -> NDArray[np.float32]:
    least, total = float(probabilities.min()), float(probabilities.sum())
    if least < 0 or total > 1 + _TOLERANCE:
        raise NoAnswerError(f"its scores are no probabilities: the smallest is {least:.3g}, and their sum {total:.3g}")
    if total <= 0:
        raise NoAnswerError("all its probabilities are zero")
    return np.log(np.maximum(probabilities, _LEAST)).astype(np.float32)


def _peak_bytes(process: psutil.Process) -> int:
    if sys.platform != "linux":
        return int(process.memory_info().rss)
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), 0)


def _pipe(stream: Any) -> int:
    return int(stream.fileno())


def _shown(line: bytes) -> str:
    text = line[:_SHOWN].decode("utf-8", "replace")
    return repr(text) + ("…" if len(line) > _SHOWN else "")


def command_fields(arguments: Sequence[str], *, start_timeout_s: float, answer_timeout_s: float) -> dict[str, Any]:
    """The fields of `ForeignCommand` as plain data, for `LoadOptions.command`."""
    return asdict(
        ForeignCommand(arguments=list(arguments), start_timeout_s=start_timeout_s, answer_timeout_s=answer_timeout_s)
    )
