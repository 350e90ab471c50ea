"""Drift: how far new recordings differ from those that a model was chosen on, and how many labels settle the doubt.

Speakers are the units, since clips of one speaker are alike. The mean over G speakers with m clips each has the
variance (τ² + ω²/m) / G, as in `benchmark.scoring.power`; τ² and ω² are pooled over both corpora, which have the same
in the absence of drift, so that a single new speaker can be compared as well. Student's t, Holm over the quantities.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import computed_field
from scipy.special import stdtr, stdtrit

from benchmark.audio.measuring import Acoustics
from benchmark.results.runs import ClipRecord
from benchmark.results.schema import Stored
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import speaker_codes
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import CONFIDENCE, MIN_SPEAKERS, NO_SPREAD, speakers_can_be_left_out
from benchmark.scoring.power import NUMBERS_OF_SPEAKERS, levels_of, measured_pilot, power
from benchmark.scoring.ranking import SIGNIFICANCE, holm
from benchmark.scoring.rates import EmotionRate
from benchmark.scoring.texts import numbered

MOST_HEARD_HZ = 8_000.0
"""Models read 16 kHz: what a recording holds above that makes no difference to them."""
FALL = 0.1
"""The fall of UAR that labels have to find."""
POWER = 0.8
"""How often they find it."""
SPEAKERS, RECORDINGS = "speakers", "recordings"
"""What is counted."""
_IMPLAUSIBLE = 1e6
"""Only damaged records hold such values."""
_CLIPS_OF_EACH = (4, 8, 16, 32)
"""Labelled clips of each new speaker, of the designs."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is compared.

    Attributes:
        unit: Of the numbers; empty for shares.
        least: The smallest difference that matters; where `is_ratio`, the logarithm of a factor.
        is_ratio: Whether logarithms are compared.
    """

    name: str
    unit: str
    least: float
    is_ratio: bool = False


DURATION = Quantity(name="duration", unit="s", least=float(np.log(1.25)), is_ratio=True)
LEVEL = Quantity(name="level", unit="dB", least=3.0)
SNR = Quantity(name="speech above noise", unit="dB", least=5.0)
BANDWIDTH = Quantity(name="bandwidth", unit="Hz", least=1_000.0)
SPEECH = Quantity(name="share of speech", unit="", least=0.1)
_OF_RECORDINGS = {quantity.name for quantity in (DURATION, LEVEL, SNR, BANDWIDTH, SPEECH)}
CONFIDENCE_OF_ANSWERS = Quantity(name="confidence", unit="", least=0.1)
LEAST_SHARE = 0.1
"""The smallest difference of an answer's share that matters."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurements:
    """The clips of one corpus: quantity → values, shape (clips,), NaN where unknown; and who speaks."""

    speakers: tuple[str | None, ...]
    values: Mapping[Quantity, Floats]

    def adding(self, values: Mapping[Quantity, Floats]) -> "Measurements":
        """The same clips with more quantities."""
        return replace(self, values={**self.values, **values})


class Difference(Stored):
    """One quantity in both corpora, as means over speakers; of durations, geometric means.

    Attributes:
        change: New less old, with a 95 % interval.
        least: The smallest change that matters.
        p: After Holm's correction.
    """

    quantity: str
    unit: str
    old: float
    new: float
    change: float
    low: float
    high: float
    least: float
    p: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def differs(self) -> bool:
        """Whether the change is significant, and large enough to matter."""
        return self.p < SIGNIFICANCE and abs(self.change) >= self.least

    @property
    def is_open(self) -> bool:
        """Whether nothing was found, and a change that matters is not excluded either."""
        return not self.differs and max(-self.low, self.high) >= self.least


class LabelDesign(Stored):
    """So many labelled clips of each new speaker, and how many speakers that takes to find a fall of UAR by `FALL`."""

    clips_per_speaker: int
    speakers: int
    labels: int


class ComparedCorpus(Stored):
    """One of the two corpora.

    Attributes:
        clips: Readable ones.
        units: Speakers, or recordings where the run does not know speakers.
    """

    name: str
    source: str
    clips: int
    units: int


class Drift(Stored):
    """New recordings compared with a corpus of the run that chose the model.

    Attributes:
        run: When the run began.
        candidate: Whose answers are compared; None where none are.
        uar: Its UAR in the run, and the designs that find a fall by `FALL` of it; empty where nothing says how many.
        units: What the rows count: speakers or recordings.
        rates: How often each emotion occurs in the new recordings; empty without answers.
        notes: What could not be compared, and how the result is limited.
    """

    created: datetime
    run: datetime
    old: ComparedCorpus
    new: ComparedCorpus
    candidate: str | None
    uar: float | None
    units: str
    differences: tuple[Difference, ...]
    designs: tuple[LabelDesign, ...] = ()
    rates: tuple[EmotionRate, ...] = ()
    notes: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def drifted(self) -> bool:
        """Whether a quantity differs."""
        return any(difference.differs for difference in self.differences)

    @property
    def sounds_different(self) -> bool:
        """Whether a quantity of the recordings themselves differs."""
        return any(own.differs for own in self.differences if own.quantity in _OF_RECORDINGS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """The differences of two corpora, and how many units each has.

    Attributes:
        not_compared: Quantities that only one of them has.
    """

    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...]
    units: str
    old_units: int
    new_units: int


def measurements(clips: Sequence[ClipRecord], acoustics: Sequence[Acoustics | None]) -> Measurements:
    """Collect the quantities of readable clips.

    Args:
        acoustics: Of each clip; None where it was not measured.
    """
    pairs = list(zip(clips, acoustics, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        durations = np.log(_floats(clip.duration_s for clip in clips))
    values = {
        DURATION: np.where(np.isfinite(durations), durations, np.nan),
        LEVEL: _floats(
            clip.level_db if clip.level_db is not None or own is None else own.level_db for clip, own in pairs
        ),
        SNR: _floats(None if own is None else own.snr_db for _, own in pairs),
        BANDWIDTH: np.minimum(_floats(None if own is None else own.bandwidth_hz for _, own in pairs), MOST_HEARD_HZ),
        SPEECH: _floats(clip.speech_share for clip in clips),
    }
    return Measurements(speakers=tuple(clip.speaker for clip in clips), values=MappingProxyType(values))


def answer_quantities(answers: Answers) -> dict[Quantity, Floats]:
    """The share of each answer and the confidence; NaN for clips without an answer."""
    chosen = np.where(answers.answered, answers.chosen, -1)
    confidence = np.where(answers.answered, answers.probabilities.max(axis=1), np.nan)
    shares = {
        Quantity(name=f"answers {name}", unit="", least=LEAST_SHARE): np.where(
            answers.answered, chosen == index, np.nan
        )
        for index, name in enumerate(answers.classes)
    }
    return {CONFIDENCE_OF_ANSWERS: confidence, **shares}


def compare_recordings(old: Measurements, new: Measurements) -> Comparison:
    """Compare all quantities that both corpora have.

    Clips whose speaker is unknown count as one speaker. Where the old corpus has fewer than three speakers, every clip
    counts for itself, in both.
    """
    known = {speaker for speaker in old.speakers if speaker is not None}
    by_speaker = len(known) >= MIN_SPEAKERS
    codes = [
        numbered(corpus.speakers) if by_speaker else np.arange(len(corpus.speakers), dtype=np.int64)
        for corpus in (old, new)
    ]
    tests, not_compared = [], []
    for quantity, values in old.values.items():
        samples = [_Units.of(values, codes[0]), _Units.of(new.values.get(quantity, np.zeros(0)), codes[1])]
        if len(samples[0].means) >= MIN_SPEAKERS and len(samples[1].means):
            tests.append((quantity, *_test(*samples)))
        elif any(len(own.means) for own in samples):
            not_compared.append(quantity.name)
    adjusted = holm(np.array([p for *_, p in tests], dtype=np.float64))
    return Comparison(
        differences=tuple(_difference(*test[:-1], p) for test, p in zip(tests, adjusted.tolist(), strict=True)),
        not_compared=tuple(not_compared),
        units=SPEAKERS if by_speaker else RECORDINGS,
        old_units=len(set(codes[0].tolist())),
        new_units=len(set(codes[1].tolist())),
    )


@dataclass(frozen=True, eq=False)
class _Units:
    """Means and clips of each speaker, and the sum of squares of their clips around these means."""

    means: Floats
    clips: Floats
    squares: float

    @classmethod
    def of(cls, values: Floats, codes: NDArray[np.int64]) -> "_Units":
        known = np.abs(values) < _IMPLAUSIBLE  # not of NaN
        codes, values = np.unique(codes[: len(values)][known], return_inverse=True)[1], values[known]
        clips = np.bincount(codes).astype(np.float64)
        means = np.bincount(codes, values) / clips
        return cls(means, clips, float(((values - means[codes]) ** 2).sum()))


def _test(old: _Units, new: _Units) -> tuple[float, float, float, float]:
    """Means of both, half the width of the interval of their difference, and p."""
    groups = np.array([len(old.means), len(new.means)])
    free = int(groups.sum()) - 2
    within = (old.squares + new.squares) / max(old.clips.sum() + new.clips.sum() - groups.sum(), 1.0)
    spread = sum(float(((own.means - own.means.mean()) ** 2).sum()) for own in (old, new)) / free
    between = max(spread - within * float(np.mean(1 / np.concatenate([old.clips, new.clips]))), 0.0)
    variance = sum((between + within * float(np.mean(1 / own.clips))) / len(own.means) for own in (old, new))
    error = max(float(np.sqrt(variance)), NO_SPREAD)
    means = float(old.means.mean()), float(new.means.mean())
    p = 2 * float(stdtr(free, -abs(means[1] - means[0]) / error))
    return *means, float(stdtrit(free, (1 + CONFIDENCE) / 2)) * error, p


def _difference(quantity: Quantity, old: float, new: float, half: float, p: float) -> Difference:
    changes = [new - old, new - old - half, new - old + half, quantity.least]
    if quantity.is_ratio:
        old, new = float(np.exp(old)), float(np.exp(new))
        changes = [old * float(np.expm1(change)) for change in changes]
    change, low, high, least = changes
    return Difference(
        quantity=quantity.name,
        unit=quantity.unit,
        old=old,
        new=new,
        change=change,
        low=low,
        high=high,
        least=least,
        p=p,
    )


def label_designs(evaluation: Evaluation) -> tuple[LabelDesign, ...]:
    """How many labels of new speakers find a fall of a candidate's UAR by `FALL` in `POWER` of the cases.

    Both UARs have an error, the run's as well as the new one. New speakers and clips are like those of the run.

    Returns:
        Nothing where speakers are unknown or too few, or where the run's own error hides such a fall.
    """
    evaluation = evaluation.compared
    codes, counts = speaker_codes(evaluation.speakers), evaluation.counts
    if codes is None or counts is None or not counts.clips.size or not speakers_can_be_left_out(counts.clips):
        return ()
    correct = evaluation.decisions.correct
    # Beside a candidate that is always right, the difference of two UARs has the variance of one.
    pilot = measured_pilot(np.column_stack([correct, np.ones_like(correct)]), evaluation.decisions.truth, codes)
    designs, numbers = [], NUMBERS_OF_SPEAKERS
    for clips in _CLIPS_OF_EACH:
        of_new = float(pilot.variances(clips, np.ones(1))[0, 0, 1]) / numbers
        variances, free = of_new + float(pilot.total[0, 1]) / pilot.speakers, numbers + pilot.speakers - 2
        covariances = (variances * (free + 1))[:, None, None]  # of `power`, per speaker of G with G − 1 degrees
        found = power(np.full((len(numbers), 1), FALL), covariances, free + 1, levels_of(1, pair=True))
        enough = found >= POWER
        if enough.any():
            speakers = int(numbers[enough.argmax()])
            designs.append(LabelDesign(clips_per_speaker=clips, speakers=speakers, labels=speakers * clips))
    return tuple(designs)


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
