"""The record of one run: what was asked, on what audio, and where each answer lies."""

from dataclasses import field
from datetime import datetime
from typing import ClassVar

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from benchmark.results.environment import Environment
from benchmark.results.inference import InferenceRecord
from benchmark.results.latency import LatencyMeasurement
from benchmark.results.predictions import InferenceSetup
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.verification import Verification

SHORTEST_SPEECH_S = 0.05
"""Less speech than this in all of a clip is an error of the detector, whose frames are 32 ms long."""


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
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
