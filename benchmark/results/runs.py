"""Run records: their schema, where they are kept, and how a part of one is selected for a report."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import to_json

from benchmark.emotions.merges import Merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.results.environment import Environment
from benchmark.results.files import CHOOSE_ANOTHER_CACHE, write_atomically
from benchmark.results.inference import InferenceRecord, LatencyMeasurement
from benchmark.results.predictions import InferenceSetup
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.verification import Verification
from benchmark.settings import expanded

logger = logging.getLogger(__name__)


SHORTEST_SPEECH_S = 0.05
"""Less speech than this in all of a clip is an error of the detector, whose frames are 32 ms long."""


@pydantic_dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClipRecord:
    """One clip of a corpus as the run met it; a corpus has many, and as `Stored` each would take twice the memory.

    Attributes:
        clip: Its name within the corpus, such as the path below the corpus's folder.
        clip_hash: Hash of its decoded samples and their rate; None where it could not be read.
        duration_s: Seconds of audio; None where it could not be read.
        failure: Why it could not be read; None where it could.
        speech_share: Share of its time in which somebody speaks, a fraction; None where nobody listened for that.
        label: The corpus's own label, if any.
        speaker: Who speaks, if known.
        sex: The speaker's sex, if known.
        language: The language spoken, if known.
        text_id: What is said, if known.
        intensity: How strongly the emotion is played, in the corpus's own word, if known.
        sampling_rate: Samples per second, as recorded; None where it could not be read, and in older records.
        votes: How many raters chose each of the corpus's labels; None where nobody counted them. Where there is no
            label, what more than half of them say is read as one.
        attributes: Whatever else the corpus says of it: column → value.
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
        """Whether nobody speaks in it, as far as is known: less than two frames of the detector are speech."""
        if self.speech_share is None or self.duration_s is None:
            return False
        return self.speech_share * self.duration_s < SHORTEST_SPEECH_S


class CorpusRecord(Stored):
    """A corpus as the run met it.

    Attributes:
        name: What tables call it.
        source: The SPEC it came from.
        synthetic: Whether a program made the voices; said wherever the corpus appears.
        clips: All its clips that the run was asked for.
        available_clips: How many there were before `--limit` or `--sample`.
        channel: What of recordings with several channels was heard: `mix`, `left`, `right` or `each`.
        silent_clips: Clips that were left out, since nobody speaks in them, or too little.
        labels: The user's overrides of what a label of this corpus means.
        merge: Emotions that the user merges into others.
        selection: Which part of it the user asked for, in words; None for all of it.
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
    """One candidate on one corpus: where its predictions lie.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        setup: What decided the predictions; its key finds them in the store.
        failure: Why the evaluation ended before its last clip; None where it did not.
        log: Where the worker's output is, relative to the cache.
        inference: What computed them, and how far that was held against the reference; None in records of old.
    """

    candidate: str
    corpus: str
    setup: InferenceSetup
    failure: str | None = None
    log: str | None = None
    inference: InferenceRecord | None = None


class RunRecord(StoredFile):
    """One run, from which every report can be written again without loading a model.

    Attributes:
        created: When the run began, in UTC.
        environment: The machine and the libraries.
        registry: The registry file, as it was given.
        min_emotions: The filter that was asked for.
        limit: Clips per corpus, where the user limited them.
        interrupted: Whether the user stopped the run before its end.
        verifications: Every candidate of the registry, in its order.
        ineligible: For candidates that are usable and were not evaluated, the reason, by candidate.
        corpora: What the candidates heard.
        evaluations: One per candidate and corpus.
        latencies: One per candidate and device.
        perturbed: One per candidate, corpus and perturbation, which the setup names; apart from `evaluations`, so that
            no score, rank or export takes an answer to perturbed audio for one to the corpus.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    environment: Environment
    registry: str
    min_emotions: int
    limit: int | None = None
    interrupted: bool = False
    verifications: tuple[Verification, ...]
    ineligible: dict[str, str] = {}
    corpora: tuple[CorpusRecord, ...]
    evaluations: tuple[EvaluationRecord, ...]
    latencies: tuple[LatencyMeasurement, ...] = ()
    perturbed: tuple[EvaluationRecord, ...] = ()


_RUNS = "runs"


_LISTED = 5


def save_run(cache: Path, record: RunRecord) -> Path:
    """Keep the record of a run under the time it began.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    path = cache / _RUNS / f"{record.created:%Y%m%dT%H%M%S.%fZ}.json"
    return write_atomically(path, to_json(record, indent=1), remedy=CHOOSE_ANOTHER_CACHE)


def load_run(cache: Path, name: str | None = None) -> RunRecord:
    """Read the record of a run that has come to its end.

    Args:
        cache: The folder of the store.
        name: The run's file below `runs`, or the beginning of its name that no other has, or the path of a record;
            None for the latest that was not interrupted and can still be read.

    Returns:
        The record, as it was kept.

    Raises:
        RequestError: There is no such run, the name fits several, or a newer version of bench wrote it.
    """
    if name is None:
        return _latest(cache)
    path = _named(cache, name)
    record = RunRecord.read(path)
    if record is None:
        raise RequestError(
            f"{path} is no run that this version of bench can read: it is cut off, or an earlier version wrote it; "
            "repeat it with `bench run`, which takes stored answers as they are."
        )
    return record


def list_runs(cache: Path) -> tuple[Path, ...]:
    """The files of all runs kept, the latest first."""
    return tuple(sorted((cache / _RUNS).glob("*.json"), reverse=True))


def _latest(cache: Path) -> RunRecord:
    for path in list_runs(cache):
        record = RunRecord.read(path)
        if record is None:
            logger.warning("%s is no run that can be read, and is passed over for an earlier one.", path)
        elif record.interrupted:
            logger.warning(
                "%s was interrupted, and is passed over for an earlier run; --run %s takes it.", path, path.stem
            )
        else:
            return record
    raise RequestError(
        f"there is no finished run in {cache / _RUNS}; make one with `bench run`, or set BENCH_CACHE to the folder "
        "that holds one."
    )


def _named(cache: Path, name: str) -> Path:
    given = expanded(name)
    if given.suffix == ".json" and given.is_file():
        return given
    known = list_runs(cache)
    fitting = [path for path in known if name in {path.name, path.stem}] or [
        path for path in known if path.name.startswith(name)
    ]
    if len(fitting) == 1:
        return fitting[0]
    shown = ", ".join(path.stem for path in (fitting or known)[:_LISTED]) or "none"
    if fitting:
        raise RequestError(f"{len(fitting)} runs begin with {name!r}: {shown}; write more of the name.")
    raise RequestError(f"there is no run {name!r} in {cache / _RUNS}; the latest are: {shown}.")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a run is wanted.

    Attributes:
        models: Names, ids or patterns such as `superb/*`; none for all candidates.
        corpora: Names or patterns of corpora; none for all.
        min_emotions: Leave out the scores of candidates that distinguish fewer; None for what the run asked for.
        merge: Emotions to merge, beside those that the run merged.
    """

    models: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    min_emotions: int | None = None
    merge: Mapping[str, str] = field(default_factory=dict)


def select_from(record: RunRecord, wanted: Selection) -> RunRecord:
    """Take a part of a run; nothing is changed in the store.

    Args:
        record: The run.
        wanted: Which part.

    Returns:
        The record of a run that asked for this part only. Candidates below `min_emotions` stay in it, without scores.

    Raises:
        RequestError: A name fits nothing in the run, or the merges go round in a circle.
    """
    candidates = _chosen_candidates(record, wanted.models)
    corpora = tuple(_merged(corpus, wanted.merge) for corpus in _chosen_corpora(record, wanted.corpora))
    least = record.min_emotions if wanted.min_emotions is None else wanted.min_emotions
    too_few = {each.candidate: _too_few(each, least) for each in candidates if len(each.emotion_classes) < least}
    names = {each.candidate for each in candidates}
    scored, heard = names - set(too_few), {corpus.name for corpus in corpora}
    left_out = {name: reason for name, reason in too_few.items() if _was_evaluated(record, name)}
    return record.model_copy(
        update={
            "min_emotions": least,
            "verifications": candidates,
            "ineligible": {name: why for name, why in record.ineligible.items() if name in names} | left_out,
            "corpora": corpora,
            "evaluations": tuple(one for one in record.evaluations if one.candidate in scored and one.corpus in heard),
            "latencies": tuple(one for one in record.latencies if one.candidate in scored),
            "perturbed": tuple(one for one in record.perturbed if one.candidate in scored and one.corpus in heard),
        }
    )


def _chosen_candidates(record: RunRecord, models: Sequence[str]) -> tuple[Verification, ...]:
    found: dict[str, Verification] = {}
    for model in models:
        fitting = [each for each in record.verifications if _fits(model, each.candidate, each.id)]
        if not fitting:
            names = dict.fromkeys(name for each in record.verifications for name in (each.candidate, each.id))
            raise RequestError(f"The run has no candidate {model!r}{_hint(model, tuple(names))}")
        found |= {each.candidate: each for each in fitting}
    if not models:
        return record.verifications
    return tuple(each for each in record.verifications if each.candidate in found)


def _chosen_corpora(record: RunRecord, corpora: Sequence[str]) -> tuple[CorpusRecord, ...]:
    names = tuple(corpus.name for corpus in record.corpora)
    for wanted in corpora:
        if not any(_fits(wanted, name) for name in names):
            raise RequestError(f"The run has no corpus {wanted!r}{_hint(wanted, names)}")
    if not corpora:
        return record.corpora
    return tuple(corpus for corpus in record.corpora if any(_fits(wanted, corpus.name) for wanted in corpora))


def _fits(wanted: str, *names: str) -> bool:
    return any(wanted == name or fnmatchcase(name.casefold(), wanted.casefold()) for name in names)


def _hint(wanted: str, names: Sequence[str]) -> str:
    return did_you_mean(wanted, names) or f"; it has {', '.join(names) or 'none'}."


def _merged(corpus: CorpusRecord, merge: Mapping[str, str]) -> CorpusRecord:
    if not merge:
        return corpus
    return corpus.model_copy(update={"merge": Merges({**corpus.merge, **merge}).as_dict()})


def _too_few(verification: Verification, least: int) -> str:
    return f"It distinguishes {len(verification.emotion_classes)} emotions; at least {least} were asked for."


def _was_evaluated(record: RunRecord, candidate: str) -> bool:
    return any(one.candidate == candidate for one in record.evaluations)
