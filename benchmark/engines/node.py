"""What runs on the nodes of a cluster: actors that compute parts of a candidate's clips, or time candidates.

Nothing here knows who calls it: arguments and answers are plain data, and what went wrong is an answer, too. An actor's
process opens no checkpoint; it starts the same isolated workers as a run on one machine.
"""

import os
import platform
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import update_wrapper
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from benchmark.corpora.audio_reader import AudioReader
from benchmark.errors import BenchError, UnavailableError
from benchmark.evaluation.candidate_runs import CandidateOutcome, Timing, plan_candidate
from benchmark.evaluation.context import Overwrite, RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject, find_checkpoint
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.runner import InferenceRunner
from benchmark.evaluation.sessions import LoadedModels
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Silent
from benchmark.results.environment import Environment
from benchmark.results.inference_record import InferenceRecord, LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup
from benchmark.settings import Settings
from benchmark.workers.answers import WorkerLostError

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")
_Self = TypeVar("_Self")


@dataclass(frozen=True, kw_only=True)
class NodeTerms:
    """What a node must have to take part in a run.

    Attributes:
        store: The folder of the store.
        mark: A file that the run has written into it.
        content: What the file holds.
        versions: Of the libraries.
        files: Recordings and checkpoints that lie in files, some of them.
    """

    store: Path
    mark: Path
    content: str
    versions: Mapping[str, str]
    python: str
    files: Sequence[str]

    def problem(self) -> str | None:
        """What this node lacks, as the end of a sentence about it; None if it lacks nothing."""
        own = {**Environment.here().versions, "Python": python_version()}
        for name, version in {**self.versions, "Python": self.python}.items():
            if own.get(name) != version:
                return f"has {name} {own.get(name, 'not at all')}, and this machine {version}: install the same"
        try:
            content = self.mark.read_text("utf-8")
        except OSError:
            content = ""
        if content != self.content:
            return f"does not see the store {self.store}: name a folder that all nodes share with BENCH_CACHE"
        if not os.access(self.store, os.W_OK):
            return f"may not write into the store {self.store}: let it belong to the user that runs Ray there"
        missing = next((path for path in self.files if not Path(path).exists()), None)
        return None if missing is None else f"does not see {missing}: put it where all nodes find it by the same path"


@dataclass(frozen=True)
class Node:
    """A node as it describes itself; Ray gives it the id."""

    id: str
    name: str
    environment: Environment


@dataclass(frozen=True, kw_only=True)
class SharedRun:
    """What all actors of a run get, once per node; the fields of the context are as in `RunContext`.

    Attributes:
        corpora: The hashes of the clips of each corpus, by its name.
        device: Where answers are computed.
        max_clip_mb: As of `AudioReader`.
    """

    clips: ClipSet
    corpora: Mapping[str, frozenset[str]]
    merges: Sequence[Mapping[str, str]]
    options: RunOptions
    settings: Settings
    threads: int
    device: str
    max_clip_mb: float
    terms: NodeTerms


@dataclass(frozen=True, kw_only=True)
class CandidateWork:
    """A candidate, and how it is computed.

    Attributes:
        corpora: The names of the corpora that its model computes.
        rejected: Engines that failed on a part of the clips, with the reason.
        alone: Whether this is its second try after it has lost a worker.
        asked: The clips that are computed, where these are not all of its corpora, by which engines are chosen.
    """

    subject: Subject
    corpora: Sequence[str]
    rejected: Mapping[Engine, str] = field(default_factory=dict)
    alone: bool = False
    asked: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A candidate whose engines are chosen.

    Attributes:
        setups: Of the clips as they are, and with each perturbation.
    """

    node: Node
    setups: Sequence[InferenceSetup]
    inference: InferenceRecord


@dataclass(frozen=True, kw_only=True)
class Computed:
    """A part that came to its end.

    Attributes:
        rejected: As in `CandidateWork`, with those that failed in this part.
        failure: Why the reference failed, which ends the candidate's run.
    """

    rejected: Mapping[Engine, str]
    failure: str | None = None


@dataclass(frozen=True)
class Timed:
    """Latency of candidates, measured on a node."""

    node: Node
    measurements: Sequence[LatencyMeasurement]


@dataclass(frozen=True)
class Lost:
    """The candidate has lost the worker that computes it, in its first try."""

    reason: str


@dataclass(frozen=True)
class Unusable:
    """This node cannot take part, or no node can: a sentence."""

    reason: str


def python_version() -> str:
    """Python's version as far as answers and libraries depend on it, such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])


def describe_node(terms: NodeTerms) -> Node | Unusable:
    """Describe this node, or say what it lacks."""
    import ray  # noqa: PLC0415 - only a node that takes part has it

    name, problem = socket.gethostname(), terms.problem()
    if problem is not None:
        return Unusable(f"The node {name} {problem}.")
    return Node(ray.get_runtime_context().get_node_id(), name, Environment.here())


def _answered(
    method: Callable[Concatenate[_Self, _Arguments], _Answer],
) -> Callable[Concatenate[_Self, _Arguments], _Answer | Lost | Unusable]:
    """Answer what goes wrong in plain words: an exception may not be readable elsewhere."""

    def answer(self: _Self, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer | Lost | Unusable:
        try:
            return method(self, *args, **kwargs)
        except WorkerLostError as error:
            return Lost(error.crash.reason)
        except BenchError as error:
            return Unusable(str(error))

    update_wrapper(answer, method)
    return answer


class CandidateActor:
    """Computes parts of one candidate's clips, with models that stay loaded."""

    def __init__(self) -> None:
        self._stop, self._stack = threading.Event(), ExitStack()

    @_answered
    def open(self, run: SharedRun, work: CandidateWork) -> Opened | Unusable:
        """Choose the engines as the whole run does; the first actor of a candidate tests them, the others find that."""
        node = describe_node(run.terms)
        if isinstance(node, Unusable):
            return node
        self._run, self._work = run, _with_checkpoint(work, run.settings)
        reader = self._stack.enter_context(AudioReader(run.settings, max_clip_mb=run.max_clip_mb))
        self._models = self._stack.enter_context(LoadedModels(keep=True))
        self._context = _context(run, reader, self._stop, alone=work.alone)
        self._plan = _plan(run, self._work, self._context)
        names = (None, *(perturbation.name for perturbation in run.options.perturbations))
        engine = self._plan.current.engine
        return Opened(
            node=node,
            setups=[self._work.subject.setup(engine, perturbation=name) for name in names],
            inference=self._plan.record(rerun_clips=0),
        )

    @_answered
    def compute(self, clip_hashes: Sequence[str]) -> Computed:
        """Compute a part of the clips, and write the answers into the store."""
        done = InferenceRunner(self._plan, self._context.clips.only(set(clip_hashes)), self._models).run(None)
        before = {planned.engine: planned.reason for planned in done.plan.engines if planned.has_failed}
        return Computed(rejected=before, failure=next(iter(done.failures.values()), None))

    @_answered
    def finish(self) -> CandidateOutcome:
        """Report, once everything is answered and what is closer than the largest difference of all parts is re-run.

        A new plan knows what all actors have found.
        """
        options = self._context.options
        if options.overwrite is Overwrite.ALWAYS:  # that has been done, part by part
            options = replace(options, overwrite=Overwrite.MISSING)
        plan = _plan(self._run, self._work, replace(self._context, options=options))
        clips, asked = _own_clips(self._run, self._work), self._work.asked
        done = InferenceRunner(plan, clips if asked is None else clips.only(asked), self._models).run(None)
        return CandidateOutcome.of(done, {name: self._run.corpora[name] for name in self._work.corpora})

    def stop(self) -> None:
        """Let the running part end; what is answered is stored."""
        self._stop.set()

    def close(self) -> None:
        """End the workers."""
        self._stack.close()


class TimingActor:
    """Measures latency on a node that computes nothing else of ours."""

    def close(self) -> None:
        """Do nothing: each measurement ends its workers."""

    @_answered
    def time(self, run: SharedRun, works: Sequence[CandidateWork], timing: Timing) -> Timed | Unusable:
        """Measure candidates with the engines that have answered, one call at a time."""
        node = describe_node(run.terms)
        if isinstance(node, Unusable):
            return node
        with AudioReader(run.settings, max_clip_mb=run.max_clip_mb) as reader:
            context = _context(run, reader, threading.Event(), alone=True)
            plans = {work.subject.name: _plan(run, _with_checkpoint(work, run.settings), context) for work in works}
            here = replace(timing, environment=node.environment)
            return Timed(node, tuple(here.measure(plans, reader, run.settings, Silent())))


def _with_checkpoint(work: CandidateWork, settings: Settings) -> CandidateWork:
    """The same work with the checkpoint's folder on this node, which fetches it from the Hub where it is missing."""
    subject = work.subject
    if subject.folder.is_dir():
        return work
    hub = Hub(timeout_s=settings.hub_timeout_s)
    folder = find_checkpoint(subject.candidate, subject.verification, hub, Silent())
    if isinstance(folder, HubFailure):
        raise UnavailableError(f"The node {socket.gethostname()} cannot fetch {subject.name}: {folder.reason}")
    return replace(work, subject=replace(subject, folder=folder))


def _own_clips(run: SharedRun, work: CandidateWork) -> ClipSet:
    own = frozenset[str]().union(*(run.corpora[name] for name in work.corpora))
    return run.clips if len(own) == len(run.clips.audio) else run.clips.only(own)


def _context(run: SharedRun, reader: AudioReader, stop: threading.Event, *, alone: bool) -> RunContext:
    return RunContext(
        clips=run.clips,
        reader=reader,
        merges=tuple(run.merges),
        options=run.options,
        store=PredictionStore(run.settings.cache),
        settings=run.settings,
        threads=run.threads,
        stop=stop,
        alone=alone,
        divided=True,
    )


def _plan(run: SharedRun, work: CandidateWork, context: RunContext) -> InferencePlan:
    plan = plan_candidate(work.subject, run.device, context, _own_clips(run, work))
    for planned in list(plan.engines):
        if planned.engine in work.rejected and not planned.has_failed:
            plan.reject(planned, work.rejected[planned.engine])
    return plan
