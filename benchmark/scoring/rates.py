"""How often each emotion occurs in recordings without labels, corrected for the errors of the candidate that answers.

A candidate that takes many for angry counts too much anger. Its probabilities are calibrated on the labelled clips of a
run, as `bench tune` does; expectation-maximisation then finds the shares of emotions under which they are consistent
(M. Saerens, P. Latinne and C. Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, Neural
Computation 14, 2002). It is assumed that the new recordings differ in these shares only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.schema import Stored
from benchmark.results.tuning import TuningMethod, log_probabilities, tuned_probabilities
from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import MIN_SPEAKERS, critical_t, jackknife_error
from benchmark.scoring.texts import numbered
from benchmark.scoring.trained_on import Seen
from benchmark.scoring.tuning import Fit, LabelledAnswers, divided

MOST_GROUPS = 20
"""Speakers are left out in so many groups at most, since each takes a fit."""
_ITERATIONS = 500
_CONVERGED = 1e-6
_SEED = 20_260_301

Floats = NDArray[np.float64]


class EmotionRate(Stored):
    """How often an emotion occurs, as shares of the recordings with an answer.

    Attributes:
        counted: By the answers as they are.
        corrected: None for an emotion that too few clips of the run have; with a 95 % interval.
    """

    emotion: str
    counted: float
    corrected: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class _Corrector:
    """Corrects rates of the emotions that the run has enough clips of."""

    labelled: LabelledAnswers
    new: Floats

    def rates(self, fitted_to: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Floats:
        """The rates in some of the new clips, after a fit to some of the labelled ones."""
        emotions, truth = self.labelled.fitted, self.labelled.truth
        used = fitted_to & (truth != NO_EMOTION)
        used[used] = emotions[truth[used]]
        fit = self.labelled.fit(used, TuningMethod.PRIOR)
        clips = np.bincount(truth[used], minlength=len(emotions))[emotions]
        return expected_shares(self._calibrated(fit, chosen), np.maximum(clips, 1) / max(int(used.sum()), 1))

    def _calibrated(self, fit: Fit, chosen: NDArray[np.bool_]) -> Floats:
        tuned = tuned_probabilities(self.new[chosen], fit.temperature, fit.biases)[:, self.labelled.fitted]
        return np.asarray(tuned / tuned.sum(axis=1, keepdims=True), dtype=np.float64)


def corrected_rates(labelled: Evaluation, new: Answers) -> tuple[EmotionRate, ...]:
    """Count how often a candidate gives each emotion, and correct that by its answers to labelled clips.

    The interval is a jackknife over the speakers of both; where fewer than three of the new speakers are known, over
    recordings, and too narrow.

    Args:
        labelled: The candidate on a corpus that it was not trained on, else nothing is corrected.
        new: Its answers to recordings with the same classes.
    """
    own, answered = LabelledAnswers.of(labelled.compared.answers), new.answered
    counted = np.bincount(new.chosen[answered], minlength=len(new.classes)) / max(int(answered.sum()), 1)
    rates = [
        EmotionRate(emotion=name, counted=share) for name, share in zip(new.classes, counted.tolist(), strict=True)
    ]
    usable = own.number_of_speakers >= MIN_SPEAKERS and own.fitted.sum() > 1 and labelled.seen is not Seen.YES
    if not usable or not answered.any() or new.classes != labelled.answers.classes:
        return tuple(rates)
    corrector = _Corrector(own, log_probabilities(new.probabilities[answered]))
    speakers = [speaker for speaker, has in zip(new.speakers, answered, strict=True) if has]
    of_run, of_new = (divided(units, MOST_GROUPS, _SEED) for units in (own.speakers, _units(speakers)))
    all_run, all_new = np.ones(len(of_run), dtype=np.bool_), np.ones(len(of_new), dtype=np.bool_)
    estimate = corrector.rates(all_run, all_new)
    without_run = [corrector.rates(of_run != group, all_new) for group in np.unique(of_run)]
    without_new = [corrector.rates(all_run, of_new != group) for group in np.unique(of_new) if len(of_new) > 1]
    errors = [jackknife_error(np.array(left_out).T) for left_out in (without_run, without_new) if left_out]
    free = max(min(len(without_run), len(without_new) or len(without_run)) - 1, 1)
    half = critical_t(free) * np.sqrt(np.sum(np.square(errors), axis=0))
    for index, share, width in zip(np.flatnonzero(own.fitted), estimate.tolist(), half.tolist(), strict=True):
        update = {"corrected": share, "low": max(share - width, 0.0), "high": min(share + width, 1.0)}
        rates[index] = rates[index].model_copy(update=update)
    return tuple(rates)


def expected_shares(probabilities: Floats, assumed: Floats) -> Floats:
    """The shares of emotions that make the answers to clips likeliest.

    Args:
        probabilities: Calibrated, shape (clips, emotions).
        assumed: The shares under which they are calibrated, all above 0.

    Examples:
        >>> sure = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> expected_shares(sure, np.array([0.5, 0.5])).tolist()
        [0.75, 0.25]
    """
    likelihoods, shares = probabilities / assumed, assumed
    for _ in range(_ITERATIONS):
        weights = likelihoods * shares
        previous, shares = shares, (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(shares - previous).max() < _CONVERGED:
            break
    return np.asarray(shares, dtype=np.float64)


def _units(speakers: list[str | None]) -> NDArray[np.int64]:
    known = {speaker for speaker in speakers if speaker is not None}
    if len(known) < MIN_SPEAKERS:
        return np.arange(len(speakers), dtype=np.int64)
    return numbered(speakers)
