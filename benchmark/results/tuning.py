"""Tunings: temperature, class prior and thresholds of one revision of a candidate, fitted on labelled answers.

They are stored beside the candidate's other results, and applied only where a user asks for it. A tuning belongs to
what determines the probabilities: the revision, the labels and what they mean after merges, the head and the
preprocessing. Engines do not count, since all of them decide as the reference does.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.special import softmax

from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import merged
from benchmark.errors import RequestError
from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.storage import candidate_prefix, candidate_slug
from benchmark.results.verification import Verification

REJECTED_ANSWER = "none"
"""The answer where the most probable emotion is below its threshold."""
LARGEST_PROMISE = 0.5
"""The largest share of wrong answers that thresholds are made for."""
LEAST_PROBABILITY = 1e-12
"""Smaller probabilities count as this, as their logarithm shall be finite."""
_TUNING_FILES = "*/tuning-*.json"
_SHORT_REVISION = 7


class TuningVerdict(StrEnum):
    """What a tuning does to speakers that its fit has not seen."""

    BETTER = "better"
    CALIBRATED = "calibrated"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NO_PROMISE = "no-promise"

    @property
    def usable(self) -> bool:
        """Whether the tuning is stored, and applied by `predict --tuned`."""
        return self in {TuningVerdict.BETTER, TuningVerdict.CALIBRATED}


class TuningMethod(StrEnum):
    """What is fitted."""

    AS_IT_IS = "as it is"
    TEMPERATURE = "temperature"
    PRIOR = "temperature and prior"


class TunedModel(Stored):
    """What determines the probabilities that a tuning changes.

    Attributes:
        candidate: The Hub id or local path.
        emotions: For each label the emotion that it means after merges; None if it maps to nothing.
    """

    candidate: str
    revision: str
    labels: tuple[str, ...]
    emotions: tuple[str | None, ...]
    head: str | None = None
    head_parameters: dict[str, str] = {}
    preprocessor: dict[str, JsonValue] | None = None

    @classmethod
    def of(
        cls, verification: Verification, *, merges: Mapping[str, str], preprocessor: dict[str, JsonValue] | None
    ) -> Self:
        """The model of a usable candidate.

        Raises:
            ValueError: Its revision is not known.
        """
        if verification.revision is None:
            raise ValueError(f"{verification.candidate} has no revision")
        return cls(
            candidate=verification.id,
            revision=verification.revision,
            labels=verification.labels,
            emotions=merged(verification.emotions, merges),
            head=verification.head,
            head_parameters=verification.head_parameters,
            preprocessor=preprocessor,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it distinguishes."""
        return LabelMap(self.labels, self.emotions).classes


class EmotionTuning(Stored):
    """What a tuning does with one emotion.

    Attributes:
        clips: Labelled clips of it.
        bias: Added to the logarithm of its probability; 0 where there are too few clips to fit it.
        threshold: The least probability of an answer that is accepted; None where no answer is.
    """

    emotion: str
    clips: int
    bias: float = 0.0
    threshold: float | None = None


class AppliedTuning(Stored):
    """What changes the probabilities, and which answers are accepted.

    Attributes:
        corpus: On which it was fitted.
        max_error: The promised share of wrong answers among the accepted ones, at most.
    """

    corpus: str
    created: datetime
    temperature: float
    max_error: float
    emotions: tuple[EmotionTuning, ...]

    def probabilities(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply temperature and biases: p'ₖ ∝ exp(ln pₖ / T + bₖ).

        What the labels without an emotion have of the probability is a class of its own, with a bias of 0.

        Args:
            probabilities: Shape (clips, emotions), in the order of `emotions`; rows of NaN stay so.

        Examples:
            >>> emotions = (EmotionTuning(emotion="anger", clips=9), EmotionTuning(emotion="fear", clips=9))
            >>> tuning = AppliedTuning(corpus="calls", created=datetime(2026, 3, 1), temperature=2.0, max_error=0.1,
            ...     emotions=emotions)
            >>> tuning.probabilities(np.array([[0.9, 0.1]])).round(2).tolist()
            [[0.75, 0.25]]
        """
        biases = np.array([emotion.bias for emotion in self.emotions])
        return tuned_probabilities(log_probabilities(probabilities), self.temperature, biases)

    def accepts(self, emotion: str, probability: float) -> bool:
        """Whether an answer is at or above its threshold."""
        thresholds = {own.emotion: own.threshold for own in self.emotions}
        least = thresholds.get(emotion)
        return least is not None and probability >= least


def log_probabilities(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of probabilities, with the rest up to 1 as a last column; shape (clips, emotions + 1)."""
    rest = 1.0 - probabilities.sum(axis=1, keepdims=True)
    return np.asarray(np.log(np.maximum(np.hstack([probabilities, rest]), LEAST_PROBABILITY)), dtype=np.float64)


def tuned_probabilities(
    logarithms: NDArray[np.float64], temperature: float, biases: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The tuned probabilities of the emotions, from `log_probabilities`; shape (clips, emotions)."""
    return np.asarray(softmax(logarithms / temperature + np.append(biases, 0.0), axis=1)[:, :-1], dtype=np.float64)


class TuningScores(Stored):
    """Scores of all clips, each tuned by a fit that has not seen its speaker.

    Attributes:
        log_loss: Mean −ln of the probability of the true emotion.
        ece: Expected calibration error.
        ece_expected: What it would be if the probabilities were calibrated, with this number of clips.
    """

    method: TuningMethod
    uar: float
    log_loss: float
    ece: float
    ece_expected: float


class Change(Stored):
    """A difference after − before, with its 95 % interval over speakers."""

    value: float
    low: float
    high: float


class RiskPoint(Stored):
    """The share of wrong answers among those that are accepted, with its interval over speakers.

    Attributes:
        coverage: The share of answers that are accepted.
        confidence: The least confidence among them; None where each emotion has a threshold of its own.
        error: None where no clip is accepted.
    """

    coverage: float
    clips: int
    confidence: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None


class Tuning(StoredFile):
    """A tuning with what it does to speakers that its fit has not seen.

    Attributes:
        candidate: The name in tables.
        merge: Emotion → the emotion that it is merged into, in labels and answers.
        clips: Labelled clips that were fitted, with an answer and a known speaker.
        left_out: Labelled clips without an answer or a known speaker.
        folds: Into how many the speakers were divided.
        out_of_fold: Whether the answers are those of models that were trained on other speakers.
        median_clip_s: Median duration of the clips.
        method: What the tuning applies.
        scores: One per method that was tried, the answers as they are first.
        accepted: What the thresholds do.
        curve: Risk by coverage, the most confident answers first.
    """

    model: TunedModel
    candidate: str
    source: str
    merge: dict[str, str] = {}
    clips: int
    left_out: int
    speakers: int
    folds: int
    out_of_fold: bool
    median_clip_s: float | None
    method: TuningMethod
    applied: AppliedTuning
    scores: tuple[TuningScores, ...]
    log_loss_change: Change
    ece_change: Change
    uar_change: Change
    accepted: RiskPoint
    curve: tuple[RiskPoint, ...]
    verdict: TuningVerdict

    @property
    def merge_options(self) -> str:
        """The options that repeat its merges, each after a space."""
        return "".join(f" --merge {source}={target}" for source, target in self.merge.items())

    def scores_of(self, method: TuningMethod) -> TuningScores:
        """The scores of one method."""
        return next(scores for scores in self.scores if scores.method is method)


def store_tuning(cache: Path, tuning: Tuning) -> None:
    """Keep a tuning beside its candidate, in place of an older one of the same model.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    _parts(cache, tuning.model).save(tuning)


def find_tuning(cache: Path, model: TunedModel, name: str) -> Tuning:
    """Read the tuning of a model.

    Args:
        cache: The folder of the cache.
        model: What is about to answer.
        name: Its name, for messages.

    Raises:
        RequestError: There is none; the message says whether there is one of another revision, or with other emotions.
    """
    stored = _parts(cache, model).load(Tuning)
    if stored is not None:
        return stored
    remedy = f"tune it by `bench tune {name} --corpus …`, or leave out --tuned."
    others = _others(cache, model)
    same = [other for other in others if other.model.revision == model.revision]
    if same:
        how = f"with{same[0].merge_options}" if same[0].merge else "without --merge, and with other labels or options"
        raise RequestError(f"{name} was tuned {how}, for {', '.join(same[0].model.classes)}: do the same, or {remedy}")
    if others:
        old, new = (revision[:_SHORT_REVISION] for revision in (others[0].model.revision, model.revision))
        raise RequestError(f"{name} was tuned at revision {old}, and this is revision {new}: {remedy}")
    raise RequestError(f"{name} is not tuned in {cache}: {remedy}")


def _parts(cache: Path, model: TunedModel) -> EntryParts:
    key = hashlib.sha256(model.model_dump_json().encode()).hexdigest()[:16]
    return EntryParts(
        cache=cache,
        kind=CacheKind.TUNINGS,
        key=EntryKey(candidate=model.candidate, revision=model.revision, details=model.model_dump(mode="json")),
        content_schema=Tuning.known_version(),
        prefix=f"{candidate_prefix(model.candidate, model.revision)}/tuning-{key}",
        suffix=".json",
    )


def _others(cache: Path, model: TunedModel) -> list[Tuning]:
    """The readable tunings of any revision of a candidate, the latest first."""
    tunings = []
    for path in (cache / candidate_slug(model.candidate)).glob(_TUNING_FILES):
        if (tuning := Tuning.read(path)) is not None:
            tunings.append(tuning)
    return sorted(tunings, key=lambda tuning: tuning.applied.created, reverse=True)
