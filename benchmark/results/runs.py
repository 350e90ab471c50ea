"""Run records: their schema, where they are kept, and how a part of one is selected for a report."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import ConfigDict, JsonValue
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import to_json

from benchmark.emotions.merges import resolve_merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.results.entries import CacheKind, DamagedPartError, EntryKey, EntryParts
from benchmark.results.environment import Environment
from benchmark.results.inference import InferenceRecord, LatencyMeasurement
from benchmark.results.predictions import InferenceSetup
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.storage import Storage
from benchmark.results.verification import Verification
from benchmark.settings import expanded

logger = logging.getLogger(__name__)

_LISTED = 5
_Item = TypeVar("_Item")

SHORTEST_SPEECH_S = 0.05
"""Less speech than this in a whole clip is an error of the detector, whose frames are 32 ms long."""


@pydantic_dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClipRecord:
    """One clip of a corpus in a run. No `Stored`, which would take twice the memory for every clip.

    Attributes:
        clip: Its name within the corpus, such as the path below the corpus's folder.
        clip_hash: Hash of its decoded samples and their rate; None if it could not be read.
        duration_s: Seconds of audio; None if it could not be read.
        failure: Why it could not be read.
        speech_share: Share of its time in which somebody speaks, a fraction; None if unknown.
        label: The corpus's own label.
        text_id: Identifies the sentence spoken.
        intensity: How strongly the emotion is played, in the corpus's own word.
        sampling_rate: In Hz, as recorded; None in older records.
        votes: How many raters chose each of the corpus's labels. Without a label, the majority of them is one.
        attributes: The other columns of the corpus.
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

    @property
    def is_silent(self) -> bool:
        """Whether less than two frames of the detector are speech; False if that is unknown."""
        if self.speech_share is None or self.duration_s is None:
            return False
        return self.speech_share * self.duration_s < SHORTEST_SPEECH_S


class CorpusRecord(Stored):
    """A corpus in a run.

    Attributes:
        name: What tables call it.
        source: Its SPEC.
        synthetic: Whether a program made the voices.
        clips: The selected clips.
        available_clips: How many there were before `--limit` or `--sample`.
        channel: Of recordings with several channels: `mix`, `left`, `right` or `each`.
        silent_clips: Clips that were left out for want of speech.
        labels: The user's overrides of what labels mean.
        merge: Emotions that the user merges into others.
        selection: The user's selection of clips in words; None for all.
    """

    name: str
    source: str
    synthetic: bool = False
    clips: tuple[ClipRecord, ...]
    available_clips: int
    channel: str = "mix"
    silent_clips: int = 0
    labels: dict[str, str] = {}
    merge: dict[str, str] = {}
    selection: str | None = None


class EvaluationRecord(Stored):
    """One candidate on one corpus; the key of `setup` finds the predictions in the store.

    Attributes:
        failure: Why the evaluation ended before its last clip.
        log: The worker's output, relative to the cache.
        inference: None in older records.
    """

    candidate: str
    corpus: str
    setup: InferenceSetup
    failure: str | None = None
    log: str | None = None
    inference: InferenceRecord | None = None


class StoredRequest(Stored):
    """What a user asked of a run, as `--config` takes it.

    Attributes:
        command: The command, such as `run`.
        options: The options that are not as by default, by their flags without dashes.
        command_line: The command that asks for the same.
        folder: What relative paths count from; of a report, relative to the folder of the report.
    """

    command: str
    options: dict[str, bool | int | float | str | tuple[str, ...]]
    command_line: str
    folder: str

    def seen_from(self, folder: Path) -> "StoredRequest":
        """Give the same request for a file in another folder."""
        try:
            relative = os.path.relpath(self.folder, folder)
        except ValueError:  # on another drive
            return self
        return self.model_copy(update={"folder": relative})


class RunRecord(StoredFile):
    """One run, from which every report can be written again without loading a model.

    Attributes:
        created: When the run began, in UTC.
        registry: The registry file, as it was given.
        min_emotions: The option of this name.
        limit: Clips per corpus, if the user limited them.
        interrupted: Whether the user stopped the run before its end.
        verifications: Every candidate of the registry, in its order.
        ineligible: The reason, by candidate, for usable candidates that were not evaluated.
        evaluations: One per candidate and corpus.
        latencies: One per candidate and device.
        perturbed: One per candidate, corpus and perturbation, which the setup names; apart from `evaluations`, so that
            no score, rank or export takes a prediction for perturbed audio for one of the corpus.
        request: What the user asked for; None in records of earlier versions.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    environment: Environment
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


def save_run(cache: Path, record: RunRecord) -> Path:
    """Keep the record of a run under the time it began.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    verified: list[JsonValue] = [f"{verification.id}@{verification.revision}" for verification in record.verifications]
    key = EntryKey(details={"created": record.created.isoformat(), "verified": verified})
    name = f"runs/{record.created:%Y%m%dT%H%M%S.%fZ}.json"
    _run_parts(cache, key).write(name, to_json(record, indent=1))
    return cache / name


def load_run(cache: Path, name: str | None = None) -> RunRecord:
    """Read the record of a finished run.

    Args:
        cache: The folder of the cache.
        name: The run's file below `runs`, or the beginning of its name that no other has, or the path of a record;
            None for the latest that was not interrupted and can still be read.

    Raises:
        RequestError: There is no such run, the name fits several, or a newer version of bench wrote it.
    """
    if name is None:
        return _latest_run(cache)
    path = _path_of(cache, name)
    record = _read_run(path)
    if record is None:
        raise RequestError(
            f"{path} is no run that this version of bench can read: it is cut off, or an earlier version wrote it; "
            "repeat it with `bench run`, which takes stored answers as they are."
        )
    return record


def list_runs(cache: Path) -> tuple[Path, ...]:
    """The files of all runs, the latest first."""
    return tuple(cache / name for name in reversed(_run_parts(cache).names()))


def _run_parts(cache: Path, key: EntryKey | None = None) -> EntryParts:
    return EntryParts(
        storage=Storage(cache),
        kind=CacheKind.RUNS,
        key=key or EntryKey(),
        content_schema=RunRecord.SCHEMA_VERSION,
        prefix="runs/",
        suffix=".json",
    )


def _read_run(path: Path) -> RunRecord | None:
    try:
        content = _run_parts(path.parent).read(path.name)
    except DamagedPartError:
        return None
    except FileNotFoundError:  # a copy of a record, without its sidecar
        return RunRecord.read(path)
    return None if content is None else RunRecord.parse(content, path)


def _latest_run(cache: Path) -> RunRecord:
    for path in list_runs(cache):
        record = _read_run(path)
        if record is None:
            logger.warning("%s is no run that can be read, and is passed over for an earlier one.", path)
        elif record.interrupted:
            logger.warning(
                "%s was interrupted, and is passed over for an earlier run; --run %s takes it.", path, path.stem
            )
        else:
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
    matches = matches or [path for path in runs if path.name.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    shown = ", ".join(path.stem for path in (matches or runs)[:_LISTED]) or "none"
    if matches:
        raise RequestError(f"{len(matches)} runs begin with {name!r}: {shown}; write more of the name.")
    raise RequestError(f"there is no run {name!r} in {cache / 'runs'}; the latest are: {shown}.")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a run a report is about.

    Attributes:
        models: Names, ids or patterns such as `superb/*`; none for all candidates.
        corpora: Names or patterns of corpora; none for all.
        min_emotions: Leave out the scores of candidates that distinguish fewer; None for the run's own limit.
        merge: Emotions to merge, beside those that the run merged.
    """

    models: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    min_emotions: int | None = None
    merge: Mapping[str, str] = field(default_factory=dict)


def select_from(record: RunRecord, selection: Selection) -> RunRecord:
    """Take a part of a run; nothing is changed in the cache.

    Returns:
        The record of a run of this part only. Candidates below `min_emotions` stay in it, without scores.

    Raises:
        RequestError: A name fits nothing in the run, or the merges go round in a circle.
    """
    candidates = _matching(record.verifications, lambda item: (item.candidate, item.id), selection.models, "candidate")
    corpora = _matching(record.corpora, lambda item: (item.name,), selection.corpora, "corpus")
    if selection.merge:
        corpora = tuple(
            corpus.model_copy(update={"merge": resolve_merges({**corpus.merge, **selection.merge})})
            for corpus in corpora
        )
    least = record.min_emotions if selection.min_emotions is None else selection.min_emotions
    too_few = {
        candidate.candidate: f"It distinguishes {count} emotions; at least {least} were asked for."
        for candidate in candidates
        if (count := len(candidate.emotion_classes)) < least
    }
    selected = {candidate.candidate for candidate in candidates}
    evaluated = {evaluation.candidate for evaluation in record.evaluations}
    ineligible = {name: reason for name, reason in record.ineligible.items() if name in selected}
    ineligible |= {name: reason for name, reason in too_few.items() if name in evaluated}
    scored, corpus_names = selected - too_few.keys(), {corpus.name for corpus in corpora}

    def kept(evaluations: tuple[EvaluationRecord, ...]) -> tuple[EvaluationRecord, ...]:
        return tuple(item for item in evaluations if item.candidate in scored and item.corpus in corpus_names)

    return record.model_copy(
        update={
            "min_emotions": least,
            "verifications": candidates,
            "ineligible": ineligible,
            "corpora": corpora,
            "evaluations": kept(record.evaluations),
            "latencies": tuple(latency for latency in record.latencies if latency.candidate in scored),
            "perturbed": kept(record.perturbed),
        }
    )


def _matching(
    items: tuple[_Item, ...], names_of: Callable[[_Item], tuple[str, ...]], patterns: Sequence[str], what: str
) -> tuple[_Item, ...]:
    """The items of a run that a name or pattern fits, in the run's order; all if there is no pattern."""
    if not patterns:
        return items
    matches: list[_Item] = []
    for pattern in patterns:
        fitting = [item for item in items if any(_fits(pattern, name) for name in names_of(item))]
        if not fitting:
            names = tuple(dict.fromkeys(name for item in items for name in names_of(item)))
            hint = did_you_mean(pattern, names) or f"; it has {', '.join(names) or 'none'}."
            raise RequestError(f"The run has no {what} {pattern!r}{hint}")
        matches += fitting
    return tuple(item for item in items if item in matches)


def _fits(pattern: str, name: str) -> bool:
    return pattern == name or fnmatchcase(name.casefold(), pattern.casefold())
