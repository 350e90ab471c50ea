"""Run records: their schema, and where they are kept."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, JsonValue
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import to_json

from benchmark.errors import RequestError
from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts, sequence_of
from benchmark.results.checksums import DamagedError
from benchmark.results.environment import Environment
from benchmark.results.inference_record import InferenceRecord, LatencyMeasurement
from benchmark.results.left_out import LeftOut
from benchmark.results.predictions import InferenceSetup
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.verification import Verification
from benchmark.settings import expanded

logger = logging.getLogger(__name__)

_LISTED = 5

LOST_READER = "the process that reads it was killed twice"
"""In the failure of a clip: this machine failed at it, which says nothing about the clip."""
RaceKind = Literal["speakers", "table"]
"""Whether a race stops who is worse for speakers like these, or who would not have topped this table."""
SHORTEST_SPEECH_S = 0.05
"""Less speech than this in a whole clip is an error of the detector, whose frames are 32 ms long."""


@pydantic_dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClipRecord:
    """One clip of a corpus in a run. It is not a `Stored`, which would take twice the memory for every clip.

    Attributes:
        clip: Its name within the corpus, such as the path below the corpus's folder.
        clip_hash: Hash of its decoded samples and their rate; None if it could not be read, as is the duration.
        speech_share: Share of its time in which somebody speaks; None if unknown.
        text_id: Identifies the sentence spoken.
        intensity: How strongly the emotion is played, in the corpus's own word.
        sampling_rate: In Hz, as recorded; None in older records.
        level_db: Root mean square in dB below full scale; None for digital silence and in older records.
        votes: How many raters chose each of the corpus's labels. Without a label, their majority counts as one.
        look: In a race, the look from which on it is asked, from 1.
    """

    clip: str
    clip_hash: str | None
    duration_s: float | None
    failure: str | None = None
    speech_share: float | None = None
    label: str | None = None
    speaker: str | None = None
    sex: str | None = None
    language: str | None = None
    text_id: str | None = None
    intensity: str | None = None
    votes: dict[str, int] | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    sampling_rate: int | None = None
    level_db: float | None = None
    look: int | None = None

    @property
    def is_silent(self) -> bool:
        """Whether less than two frames of the detector are speech; False if that is unknown."""
        if self.speech_share is None or self.duration_s is None:
            return False
        return self.speech_share * self.duration_s < SHORTEST_SPEECH_S


class CorpusRecord(Stored):
    """A corpus in a run.

    Attributes:
        synthetic: Whether a program made the voices.
        available_clips: How many there were before `--limit` or `--sample`.
        columns: Role → the column of a table that the user chose for it.
        channel: Of recordings with several channels: `mix`, `left`, `right` or `each`.
        silent_clips: Clips that were left out for want of speech.
        left_out: Files and clips that were left out before the clips were read.
        labels: The user's overrides: label → emotion.
        merge: Emotion → the emotion that it is merged into.
        rare_classes: `keep` or `drop`: whether clips of rare emotions are scored.
        selection: The user's selection of clips in words; None for all.
        failure: Why the share of speech of some clips is not known, though it was asked for.
        race: By what a race on it stops candidates; None without a race.
    """

    name: str
    source: str
    synthetic: bool = False
    clips: tuple[ClipRecord, ...]
    available_clips: int
    columns: dict[str, str] = {}
    channel: str = "mix"
    silent_clips: int = 0
    left_out: tuple[LeftOut, ...] = ()
    labels: dict[str, str] = {}
    merge: dict[str, str] = {}
    rare_classes: Literal["keep", "drop"] = "keep"
    selection: str | None = None
    failure: str | None = None
    race: RaceKind | None = None

    @property
    def gap(self) -> str | None:
        """What did not come to its end in reading the clips, in a sentence; None if all did."""
        lost = [clip.clip for clip in self.clips if LOST_READER in (clip.failure or "")]
        if not lost:
            return self.failure
        return f"{len(lost)} of {len(self.clips)} clips are missing, such as {lost[0]}: {LOST_READER}."


class RaceStop(Stored):
    """The end of a candidate's part in a race; it has answered the clips of the looks up to this one.

    Attributes:
        look: From 1.
        leader: The candidate that it was found to be worse than.
    """

    look: int
    leader: str


class EvaluationRecord(Stored):
    """One candidate on one corpus; the key of `setup` finds the predictions in the store, and `log` is in the cache.

    Attributes:
        failure: Why the evaluation ended before its last clip.
        inference: None in older records.
        heard_clips: How many clips of the corpus the model that answers was trained on, as far as that is recorded.
        stopped: When a race has stopped it; None if it was asked all clips.
    """

    candidate: str
    corpus: str
    setup: InferenceSetup
    heard_clips: int = 0
    failure: str | None = None
    log: str | None = None
    inference: InferenceRecord | None = None
    stopped: RaceStop | None = None


class StoredRequest(Stored):
    """The request of a run, as `--config` reads it.

    Attributes:
        options: The options that differ from their defaults, by their flags without dashes.
        command_line: The same request as a command line.
        folder: What relative paths are relative to; in a report, relative to the folder of the report.
    """

    command: str
    options: dict[str, bool | int | float | str | tuple[str, ...]]
    command_line: str
    folder: str

    def seen_from(self, folder: Path) -> "StoredRequest":
        """The same request, for a file in another folder."""
        try:
            relative = os.path.relpath(self.folder, folder)
        except ValueError:  # on another drive
            return self
        return self.model_copy(update={"folder": relative})


class BestRow(Stored):
    """The candidate with the highest UAR on a corpus."""

    corpus: str
    candidate: str
    uar: float


class RunSummary(Stored):
    """A run in a line of `bench runs`; it lies beside the record, which may be large.

    Attributes:
        candidates: Those that were evaluated.
        clips: Of all corpora.
        output: The folder of its reports.
    """

    corpora: tuple[str, ...]
    clips: int
    candidates: int
    best: tuple[BestRow, ...] = ()
    complete: bool
    exit_code: int
    output: str


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A stored run, without its record.

    Attributes:
        name: What the user called it; None for no name.
        verified: Id and revision of each candidate, such as `org/model@0a1b…`.
        summary: None for a run whose scoring did not come to its end.
    """

    path: Path
    created: datetime
    name: str | None
    verified: frozenset[str] = frozenset()
    summary: RunSummary | None


class NodeRecord(Stored):
    """A machine that a run was computed on, where several share it.

    Attributes:
        name: Its host name.
        timed: Whether latency was measured on it.
    """

    name: str
    environment: Environment
    timed: bool = False


class RunRecord(StoredFile):
    """One run, from which every report can be written again without loading a model.

    Attributes:
        name: What the user called it by `--name`.
        created: When the run began, in UTC.
        registry: The registry file, as it was given.
        request: None in records of earlier versions.
        limit: Clips per corpus, if the user limited them.
        interrupted: Whether the user stopped the run before its end.
        verifications: Every candidate of the registry, in its order.
        environment: Of this machine; with `nodes`, of the one that latency was measured on.
        nodes: The machines that have computed, where they are not this one alone.
        ineligible: The reason, by candidate, for usable candidates that were not evaluated.
        perturbed: One per candidate, corpus and perturbation, which the setup names; kept apart from `evaluations` so
            that no score, rank or export mistakes them for predictions for the corpus.
    """

    created: datetime
    name: str | None = None
    environment: Environment
    nodes: tuple[NodeRecord, ...] = ()
    registry: str
    request: StoredRequest | None = None
    min_emotions: int
    limit: int | None = None
    interrupted: bool = False
    verifications: tuple[Verification, ...]
    ineligible: dict[str, str] = {}
    corpora: tuple[CorpusRecord, ...]
    evaluations: tuple[EvaluationRecord, ...]
    latencies: tuple[LatencyMeasurement, ...] = ()
    perturbed: tuple[EvaluationRecord, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for came to its end."""
        return not (self.interrupted or self.failed or any(corpus.gap for corpus in self.corpora))

    @property
    def is_empty(self) -> bool:
        """Whether no candidate was evaluated on a clip that could be read."""
        return not self.evaluations or not any(clip.clip_hash for corpus in self.corpora for clip in corpus.clips)

    @property
    def failed(self) -> frozenset[str]:
        """The candidates that lost their worker, or came to no end in some part of the run."""
        evaluated = {record.candidate for record in (*self.evaluations, *self.perturbed) if record.failure}
        timed = {timing.candidate for timing in self.latencies if timing.failure}
        return frozenset(evaluated | timed | {own.candidate for own in self.verifications if own.incomplete})


def save_run(cache: Path, record: RunRecord, *, after: int = 0) -> Path:
    """Keep the record of a run, under the time it began and a number larger than `after` and those of all others.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    details: dict[str, JsonValue] = {
        "created": record.created.isoformat(),
        "verified": [f"{verification.id}@{verification.revision}" for verification in record.verifications],
        "name": record.name,
    }
    parts = _run_parts(cache, EntryKey(details=details))
    number = max([after, *map(sequence_of, parts.names())]) + 1
    name = f"runs/{record.created:%Y%m%dT%H%M%S.%fZ}-{number:04d}.json"
    parts.write(name, to_json(record, indent=1))
    return cache / name


def add_summary(path: Path, summary: RunSummary) -> None:
    """Put the summary of a run into the sidecar of its record, which may be large and stays as it is.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    cache, name = path.parents[1], f"runs/{path.name}"
    sidecar = _run_parts(cache).read_sidecar(name)
    if sidecar is None:
        raise AssertionError("Only a run that was just saved gets a summary.")
    details = {**sidecar.key.details, "summary": summary.model_dump(mode="json")}
    parts = _run_parts(cache, EntryKey(details=details))
    parts.write_sidecar(name, sequence=sidecar.sequence, sha256=sidecar.sha256, size=sidecar.size)


def remove_runs(cache: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Delete the records of runs; their answers stay, as other runs may use them.

    Raises:
        RequestError: There is no such run, or a name fits several; none is deleted then.
        UnavailableError: A file cannot be deleted.
    """
    paths = tuple(dict.fromkeys(_path_of(cache, name) for name in names))
    for path in paths:
        if path.parent.resolve() != (cache / "runs").resolve():
            raise RequestError(f"{path} is no run of {cache / 'runs'}: delete a copy like any other file.")
    _run_parts(cache).delete([f"runs/{path.name}" for path in paths])
    return paths


def load_run(cache: Path, name: str | None = None) -> RunRecord:
    """Read the record of a finished run.

    Args:
        cache: The folder of the cache.
        name: What `--name` called it (of several, the latest complete one), its file below `runs`, a unique beginning
            of that, or the path of a record; None for the latest complete one with an evaluated candidate that can
            still be read, or if there is none for the latest that was not interrupted.

    Raises:
        RequestError: There is no such run, the name fits several, or a newer version of bench wrote it.
    """
    if name is None:
        return _latest_run(cache)
    path = _path_of(cache, name)
    record = _read_run(path)
    if record is None:
        raise RequestError(
            f"{path} is no run that this version of bench can read: it is damaged or cut off, or an earlier version "
            "wrote it; repeat it with `bench run`, which takes stored answers as they are."
        )
    return record


def list_runs(cache: Path) -> tuple[Path, ...]:
    """The files of all runs, the latest first; a clock that was set back changes nothing."""
    names = sorted(_run_parts(cache).names(), key=lambda name: (sequence_of(name), name), reverse=True)
    return tuple(cache / name for name in names)


def describe_runs(cache: Path) -> tuple[ListedRun, ...]:
    """All runs that this version of bench can read, the latest first, from their small sidecar files."""
    return tuple(run for path in list_runs(cache) if (run := _described(path)) is not None)


def _described(path: Path) -> ListedRun | None:
    try:
        sidecar = _run_parts(path.parents[1]).read_sidecar(f"runs/{path.name}")
        details = {} if sidecar is None else sidecar.key.details
        name, verified, summary = (details.get(field) for field in ("name", "verified", "summary"))
        return ListedRun(
            path=path,
            created=datetime.fromisoformat(str(details.get("created"))),
            name=name if isinstance(name, str) else None,
            verified=frozenset(map(str, verified)) if isinstance(verified, list) else frozenset(),
            summary=None if summary is None else RunSummary.model_validate(summary),
        )
    except (DamagedError, FileNotFoundError, ValueError):  # pydantic's error is a ValueError
        return None


def _run_parts(cache: Path, key: EntryKey | None = None) -> EntryParts:
    return EntryParts(
        cache=cache,
        kind=CacheKind.RUNS,
        key=key or EntryKey(),
        content_schema=RunRecord.known_version(),
        prefix="runs/",
        suffix=".json",
    )


def _read_run(path: Path) -> RunRecord | None:
    try:
        content = _run_parts(path.parent).read(path.name)
    except DamagedError:  # it stays where it is, as nothing can make it again
        return None
    except FileNotFoundError:  # a copy of a record, without its sidecar
        return RunRecord.read(path)
    return None if content is None else RunRecord.parse(content, path)


def _latest_run(cache: Path) -> RunRecord:
    """The latest complete run; if there is none, the latest that was not interrupted."""
    passed_over: list[tuple[Path, RunRecord]] = []
    for path in list_runs(cache):
        record = _read_run(path)
        if record is None:
            logger.warning("%s is no run that can be read, and is passed over for an earlier one.", path)
        elif not record.complete or record.is_empty:
            passed_over.append((path, record))
        else:
            for other, unfinished in passed_over:
                how = "has no evaluated candidate" if unfinished.is_empty else "is incomplete"
                how = "was interrupted" if unfinished.interrupted else how
                logger.warning(
                    "%s %s, and is passed over for an earlier run; --run %s takes it.", other, how, other.stem
                )
            return record
    for path, record in passed_over:
        if not record.interrupted:
            if not record.complete:
                logger.warning("%s is incomplete, and is taken since no run is complete.", path)
            return record
    raise RequestError(
        f"there is no finished run in {cache / 'runs'}; make one with `bench run`, or set BENCH_CACHE to the folder "
        "that holds one."
    )


def _path_of(cache: Path, name: str) -> Path:
    path = expanded(name)
    if path.suffix == ".json" and path.is_file():
        return path
    runs = list_runs(cache)
    matches = [path for path in runs if name in {path.name, path.stem}]
    if not matches and (called := [run for run in describe_runs(cache) if run.name == name]):
        return next((run for run in called if run.summary and run.summary.complete), called[0]).path
    matches = matches or [path for path in runs if path.name.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    shown = ", ".join(path.stem for path in (matches or runs)[:_LISTED]) or "none"
    if matches:
        raise RequestError(f"{len(matches)} runs begin with {name!r}: {shown}; write more of the name.")
    raise RequestError(f"there is no run {name!r} in {cache / 'runs'}; the latest are: {shown}.")
