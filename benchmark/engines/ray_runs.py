"""Candidates of a run on a Ray cluster: which actor computes which clips, and what happens when one is lost.

Each candidate has an actor, which chooses its engines; while processors are free, further actors share its clips. A
part whose actor was lost, with its process or its node, is computed elsewhere, three times at most. At last an actor
of the candidate goes through all clips as a run on one machine does, and finds them answered.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile, AudioSource
from benchmark.engines.cluster import Cluster, Share, marked, summary
from benchmark.engines.node import (
    CandidateActor,
    CandidateWork,
    Computed,
    Lost,
    NodeTerms,
    Opened,
    SharedRun,
    Unusable,
)
from benchmark.engines.ray_timing import time_on_a_node
from benchmark.errors import UnavailableError
from benchmark.evaluation.candidate_runs import CandidateOutcome, CandidateRuns, OpenRuns, Timing, count_computed
from benchmark.evaluation.context import Overwrite, RunContext
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.out_of_fold import SubjectCorpora
from benchmark.evaluation.runner import INTERRUPTED
from benchmark.evaluation.sessions import log_path
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.runs import EvaluationRecord
from benchmark.results.storage import candidate_slug

MOST_TRIES = 3
"""How often a part of a candidate's clips is computed, if its actor is lost each time."""
_PARTS_PER_ACTOR = 4
_FEWEST_CLIPS = 8
_POLL_S = 0.5
_MOST_FILES = 20
_STOP_S = 20.0


@dataclass(eq=False)
class _Part:
    """Some clips of a candidate; without any, a step that concerns all of them.

    Attributes:
        tries: How many actors it has cost.
    """

    clip_hashes: Sequence[str]
    tries: int = 0


@dataclass(eq=False)
class _Candidate:
    """A candidate of the run.

    Attributes:
        waiting: Parts that no actor has.
        running: How many parts actors have.
        opening: Counts the actors that were lost before they computed.
        finishing: Counts those that were lost at the end.
        opened: What its first actor has found; None before that.
        rejected: Engines that failed on a part of the clips, with the reason.
        attempt: Grows when an engine has failed, and all clips are computed by the next one.
    """

    work: CandidateWork
    parts: Sequence[_Part]
    waiting: deque[_Part] = field(default_factory=deque)
    running: int = 0
    actors: int = 0
    opening: _Part = field(default_factory=lambda: _Part(()))
    finishing: _Part = field(default_factory=lambda: _Part(()))
    opened: Opened | None = None
    rejected: dict[Engine, str] = field(default_factory=dict)
    outcome: CandidateOutcome | None = None
    attempt: int = 0

    @property
    def name(self) -> str:
        return self.work.subject.name

    @property
    def wants_actor(self) -> bool:
        """Whether another actor would have something to do."""
        if self.outcome is not None:
            return False
        if self.opened is None or self.work.alone:
            return self.actors == 0
        return self.actors == 0 or len(self.waiting) > self.actors


@dataclass(eq=False)
class _Worker:
    """An actor, and the step of its candidate that it is at."""

    actor: Any
    candidate: _Candidate
    attempt: int
    part: _Part
    ref: Any


@dataclass(eq=False)
class RayRuns:
    """The runs of all candidates on a cluster."""

    cluster: Cluster
    max_clip_mb: float
    device: str
    shares: Mapping[str, SubjectCorpora]
    progress: Progress
    candidates: list[_Candidate] = field(default_factory=list)
    workers: list[_Worker] = field(default_factory=list)
    run: SharedRun | None = None
    names: list[str] = field(default_factory=list)

    @property
    def outcomes(self) -> list[CandidateOutcome]:
        """Those of the candidates that came to their end."""
        return [own.outcome for own in self.candidates if own.outcome is not None]

    def compute(self, subjects: Sequence[Subject], context: RunContext) -> None:
        """Compute all candidates.

        Raises:
            UnavailableError: A node cannot take part, none is left, or the store cannot be written.
        """
        self.candidates = [self._candidate(subject, context) for subject in subjects]
        clips = ClipSet(
            {name: _placed(source) for name, source in context.clips.audio.items()}, context.clips.durations
        )
        total = count_computed(self.shares, context.options)
        with marked(context.settings, _some_files(clips, subjects), Environment.here()) as terms:
            self.cluster.check(terms)
            self.run = self._shared(clips, context, terms)
            shared = self.cluster.share_with_nodes(self.run)
            with self.progress.stage("Listening", total=total, unit="clips") as stage:
                try:
                    self._schedule(shared, stage)
                except BaseException:  # Ctrl-C, or an error of one candidate: the others store what they have
                    self._stop()
                    raise
                finally:
                    for worker in list(self.workers):
                        self._dismiss(worker)

    def time(self, subjects: Sequence[Subject], timing: Timing) -> Iterator[LatencyMeasurement]:
        """Measure latency on one node, when all actors have gone."""
        works = [own.work for own in self.candidates if own.work.subject.name in {subject.name for subject in subjects}]
        if works and self.run is not None:
            placed = replace(timing, audio=tuple(map(_placed, timing.audio)))
            yield from time_on_a_node(self.cluster, self.run, works, placed, self.progress)

    def _candidate(self, subject: Subject, context: RunContext) -> _Candidate:
        share = self.shares[subject.name]
        hashes, asked = list(share.computed.audio), None if share.own is None else frozenset(share.own.audio)
        if context.options.overwrite is Overwrite.NEVER:
            hashes = []
        slots = sum(map(self._share().fit, self.cluster.nodes()))
        wanted = -(-_PARTS_PER_ACTOR * slots // len(self.shares)) + 1
        count = max(1, min(wanted, len(hashes) // _FEWEST_CLIPS))
        # Every count-th clip, longest first: all parts cost alike.
        parts = [_Part(hashes[first::count]) for first in range(count)] if hashes else []
        placed = replace(subject, folder=subject.folder.absolute())
        work = CandidateWork(subject=placed, corpora=tuple(share.hashes), asked=asked)
        return _Candidate(work, parts, deque(parts))

    def _shared(self, clips: ClipSet, context: RunContext, terms: NodeTerms) -> SharedRun:
        corpora = {name: frozenset(hashes) for share in self.shares.values() for name, hashes in share.hashes.items()}
        return SharedRun(
            clips=clips,
            corpora=corpora,
            merges=context.merges,
            options=context.options,
            settings=replace(context.settings, cache=context.settings.cache.absolute()),
            threads=self._share().cpus,
            device=self.device,
            max_clip_mb=self.max_clip_mb,
            terms=terms,
        )

    def _share(self, *, alone: bool = False) -> Share:
        return self.cluster.share(self.device, alone=alone)

    @property
    def _passes(self) -> int:
        return 1 if self.run is None else 1 + len(self.run.options.perturbations)

    def _schedule(self, shared: Any, stage: Stage) -> None:
        """Keep as many actors as the cluster has room for, until all candidates have an outcome."""
        while any(own.outcome is None for own in self.candidates):
            self._start_actors(shared)
            refs = [worker.ref for worker in self.workers]
            done, _ = self.cluster.ray.wait(refs, num_returns=1, timeout=_POLL_S)
            for worker in [worker for worker in self.workers if worker.ref in done]:
                self._take(worker, stage)

    def _start_actors(self, shared: Any) -> None:
        """Start actors where there is room: first for candidates without one, in their order."""
        while (candidate := self._next_candidate()) is not None:
            share = self._share(alone=candidate.work.alone)
            room = self._room(share)
            if room <= len(self.workers):
                if not self.workers:
                    raise UnavailableError(
                        f"No node of the cluster has {share.cpus} processors{' and a GPU' if share.gpus else ''} any "
                        "more: what was computed is kept, and the same command goes on from there."
                    )
                return
            number = len(self.names)
            name = f"bench-{os.getpid()}-{number}-{candidate_slug(candidate.name)}"
            self.names.append(name)
            actor = (
                self.cluster.ray.remote(CandidateActor)
                .options(
                    name=name,
                    num_cpus=share.cpus,
                    num_gpus=share.gpus,
                    max_restarts=0,  # bench counts the tries itself, and finds another actor
                    max_task_retries=0,
                    max_concurrency=2,  # `stop` comes through while a part is computed
                )
                .remote()
            )
            candidate.actors += 1
            ref = actor.open.remote(shared, candidate.work)
            self.workers.append(_Worker(actor, candidate, candidate.attempt, candidate.opening, ref))

    def _room(self, share: Share) -> int:
        """How many actors the nodes can have; nodes that have just died count until Ray knows that."""
        return sum(map(share.fit, self.cluster.nodes()))

    def _next_candidate(self) -> _Candidate | None:
        """The next candidate to get an actor; those that have lost a worker come last."""
        wanting = [own for own in self.candidates if own.wants_actor]
        return min(wanting, key=lambda own: (own.work.alone, own.actors), default=None)

    def _take(self, worker: _Worker, stage: Stage) -> None:
        """Take what a step has brought, and give the actor the next one."""
        candidate, part = worker.candidate, worker.part
        if part.clip_hashes:
            candidate.running -= 1
        try:
            answer = self.cluster.ray.get(worker.ref)
        except self.cluster.ray.exceptions.RayError as error:
            self._retry(worker, f"its Ray worker was lost ({summary(error)})")
            return
        if isinstance(answer, Unusable):
            raise UnavailableError(answer.reason)
        if worker.attempt != candidate.attempt or candidate.outcome is not None:
            self._dismiss(worker)  # another actor has found that the engine fails, or that the candidate does
            return
        if isinstance(answer, Lost):
            candidate.work = replace(candidate.work, alone=True)
            self._retry(worker, answer.reason)
            return
        if isinstance(answer, Opened):
            candidate.opened = answer
            self.cluster.used[answer.node.id] = answer.node
        elif isinstance(answer, CandidateOutcome):
            self._end(candidate, answer)
            self._dismiss(worker)
            return
        elif isinstance(answer, Computed):
            if answer.failure is not None:
                self._end(candidate, self._failed(candidate, answer.failure))
                self._dismiss(worker)
                return
            if new := {engine: why for engine, why in answer.rejected.items() if engine not in candidate.rejected}:
                self._replace_engine(worker, new)
                return
            stage.advance(len(part.clip_hashes) * self._passes)
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        """Give an actor the next part of its candidate, or the last step; or let it go."""
        candidate = worker.candidate
        if candidate.waiting:
            worker.part = candidate.waiting.popleft()
            candidate.running += 1
            worker.ref = worker.actor.compute.remote(worker.part.clip_hashes)
        elif not candidate.running:
            worker.part = candidate.finishing
            worker.ref = worker.actor.finish.remote()
        else:
            self._dismiss(worker)

    def _retry(self, worker: _Worker, reason: str) -> None:
        """Compute the part of a lost actor elsewhere, unless that has happened too often."""
        candidate, part = worker.candidate, worker.part
        self._dismiss(worker)
        if worker.attempt != candidate.attempt or candidate.outcome is not None:
            return
        part.tries += 1
        if part.clip_hashes:
            candidate.waiting.appendleft(part)
        if part.tries >= MOST_TRIES:
            failure = f"Its computation was lost {MOST_TRIES} times, the last time because {reason}."
            self._end(candidate, self._failed(candidate, failure))
        else:
            self.progress.note(f"{candidate.name}: {reason}; what it computed is computed elsewhere.")

    def _replace_engine(self, worker: _Worker, rejected: Mapping[Engine, str]) -> None:
        """Compute all clips of a candidate by its next engine, since one has failed on some of them."""
        candidate = worker.candidate
        candidate.rejected |= rejected
        candidate.work = replace(candidate.work, rejected=dict(candidate.rejected))
        candidate.attempt += 1
        candidate.waiting = deque(candidate.parts)
        candidate.opened = None
        self._dismiss(worker)

    def _end(self, candidate: _Candidate, outcome: CandidateOutcome) -> None:
        candidate.outcome = outcome
        candidate.waiting.clear()
        outcome.warn(self.progress)

    def _failed(self, candidate: _Candidate, failure: str) -> CandidateOutcome:
        """The outcome of a candidate that came to no end."""
        subject, opened = candidate.work.subject, candidate.opened
        settings = self.cluster.settings
        setups = [subject.setup(subject.reference(self.device))] if opened is None else opened.setups
        records = [
            EvaluationRecord(
                candidate=candidate.name,
                corpus=corpus,
                setup=setup,
                failure=failure,
                log=log_path(subject, settings).relative_to(settings.cache).as_posix(),
                inference=None if opened is None else opened.inference,
            )
            for setup in setups
            for corpus in candidate.work.corpora
        ]
        return CandidateOutcome(candidate=candidate.name, records=records, unreadable={}, fallbacks=())

    def _stop(self) -> None:
        """Let the actors store what they have answered."""
        refs = [worker.ref for worker in self.workers]
        for worker in self.workers:
            worker.actor.stop.remote()
        if refs:
            self.cluster.ray.wait(refs, num_returns=len(refs), timeout=_STOP_S)
        for candidate in self.candidates:
            if candidate.opened is not None and candidate.outcome is None:
                candidate.outcome = self._failed(candidate, INTERRUPTED)

    def _dismiss(self, worker: _Worker) -> None:
        """End an actor, and before that its workers, unless it has gone."""
        self.workers.remove(worker)
        worker.candidate.actors -= 1
        self.cluster.end(worker.actor)


def cluster_runs(cluster: Cluster, reader: AudioReader) -> OpenRuns:
    """Compute candidates on a cluster."""

    def open_runs(device: str, shares: Mapping[str, SubjectCorpora], progress: Progress, /) -> CandidateRuns:
        return RayRuns(cluster, reader.max_clip_mb, device, shares, progress)

    return open_runs


def _placed(source: AudioSource) -> AudioSource:
    """The same audio for a process in another folder."""
    return replace(source, location=source.path.absolute()) if isinstance(source, AudioFile) else source


def _some_files(clips: ClipSet, subjects: Sequence[Subject]) -> list[str]:
    """Files that every node must see: one recording of each folder, and the checkpoints that lie in local folders."""
    by_folder = {
        str(source.path.parent): str(source.location)
        for source in clips.audio.values()
        if isinstance(source, AudioFile)
    }
    kept_here = [subject for subject in subjects if subject.is_foreign or subject.candidate.local_path is not None]
    folders = [str(subject.folder.absolute()) for subject in kept_here]
    return [*sorted(by_folder.values())[:_MOST_FILES], *folders]
