"""Temperature, class prior and thresholds of a candidate, fitted on labelled answers and judged on unseen speakers.

Temperature T and biases b minimise the mean log loss of p'ₖ ∝ exp(ln pₖ / T + bₖ) (C. Guo et al., On calibration of
modern neural networks, ICML 2017), with normal priors of standard deviation 1 on ln T and b. The biases sum to zero, so
that an emotion without clips keeps its share of the answers. All scores are out-of-fold: the speakers are divided, and
each part is tuned by what was fitted on the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from benchmark.results.runs import CorpusRecord
from benchmark.results.tuning import (
    AppliedTuning,
    Change,
    EmotionTuning,
    RiskPoint,
    TunedModel,
    Tuning,
    TuningMethod,
    TuningScores,
    TuningVerdict,
    log_probabilities,
    tuned_probabilities,
)
from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.decisions import Decisions, SpeakerCounts, count_by_speaker, open_decisions, speaker_codes, uar
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.intervals import (
    MIN_SPEAKERS,
    accuracy_interval,
    critical_t,
    degrees_of_freedom,
    jackknife_error,
    uar_difference_interval,
)
from benchmark.scoring.metrics import (
    ECE_MIN_CLIPS,
    PROBABILITY_FLOOR,
    binned_calibration_error,
    ece_if_calibrated,
    expected_calibration_error,
)
from benchmark.scoring.trained_on import Seen

MAX_FOLDS = 10
MIN_CLIPS_OF_EMOTION = 10
"""An emotion with fewer clips keeps a bias of 0."""
CALIBRATED_WITHIN = 0.01
"""In nats: where the log loss surely changes by less, the answers are calibrated already."""
COVERAGES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))
_SEED = 20_260_401
_LOG_TEMPERATURES = (-3.0, 3.0)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted temperature, and a bias for each of the candidate's emotions."""

    temperature: float
    biases: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledAnswers:
    """The clips with an emotion, an answer and a known speaker.

    Attributes:
        logarithms: Of the probabilities, shape (clips, emotions of the candidate + 1).
        truth: Index into the candidate's emotions; `NO_EMOTION` where it cannot express the clip's.
        speakers: A number for each clip's speaker, from 0.
        fitted: Which emotions of the candidate get a bias.
    """

    answers: Answers
    logarithms: NDArray[np.float64]
    truth: NDArray[np.int64]
    speakers: NDArray[np.int64]
    fitted: NDArray[np.bool_]
    left_out: int

    @classmethod
    def of(cls, answers: Answers) -> "LabelledAnswers":
        """Select the clips of a candidate's answers to a corpus."""
        known = np.array([speaker is not None for speaker in answers.speakers], dtype=np.bool_)
        used = answers.scored & answers.answered & known
        own = answers.of_clips(used)
        codes, truth = speaker_codes(own.speakers), own.index_among(own.classes)
        clips = np.bincount(truth[truth != NO_EMOTION], minlength=len(own.classes))
        return cls(
            answers=own,
            logarithms=log_probabilities(own.probabilities),
            truth=truth,
            speakers=np.zeros(0, dtype=np.int64) if codes is None else codes,
            fitted=np.asarray(clips >= MIN_CLIPS_OF_EMOTION, dtype=np.bool_),
            left_out=int(answers.scored.sum()) - int(used.sum()),
        )

    @property
    def number_of_speakers(self) -> int:
        """How many speakers the clips have."""
        return int(self.speakers.max(initial=-1)) + 1

    def folds(self) -> NDArray[np.int64]:
        """The part of each clip."""
        return divided(self.speakers, MAX_FOLDS, _SEED)

    def fit(self, chosen: NDArray[np.bool_], method: TuningMethod) -> Fit:
        """Fit on some of the clips; those whose emotion the candidate cannot express say nothing."""
        used = chosen & (self.truth != NO_EMOTION)
        biased = self.fitted if method is TuningMethod.PRIOR else np.zeros_like(self.fitted)
        if method is TuningMethod.AS_IT_IS or not used.any():
            return Fit(1.0, np.zeros(len(biased)))
        return fit_tuning(self.logarithms[used], self.truth[used], biased)

    def tuned(self, fit: Fit, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The tuned probabilities of some of the clips."""
        return tuned_probabilities(self.logarithms[chosen], fit.temperature, fit.biases)


def divided(units: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """The part of each clip, of at most so many: the units in random order, one or several to a part.

    Args:
        units: A number for each clip's unit, such as its speaker, from 0.
    """
    number = int(units.max()) + 1
    order = np.random.default_rng(seed).permutation(number)
    return np.asarray((order % min(most, number))[units], dtype=np.int64)


def why_not_tunable(corpus: CorpusEvaluations, evaluation: Evaluation) -> str | None:
    """Why nothing can be said about a tuning on these answers, in a sentence; None if it can."""
    own, name, where = LabelledAnswers.of(evaluation.answers), evaluation.candidate, corpus.summary.name
    speakers, clips = own.number_of_speakers, len(own.truth)
    reasons = {
        f"A race stopped {name} before its last clip of {where}: repeat `bench run` without --race.": (
            evaluation.is_stopped
        ),
        f"{evaluation.answers.missing} clips of {where} have no stored answer of {name}: repeat `bench run`.": (
            not evaluation.complete
        ),
        f"The clips of {where} were chosen to separate candidates, and are no sample: use `bench next --for score`.": (
            corpus.summary.separating
        ),
        f"{name} was trained on clips of {where}, where it is surer and more often right than on new recordings: tune "
        "it on recordings that it has not seen.": evaluation.seen is Seen.YES,
        f"No clip of {where} has an emotion that {name} can express, an answer and a known speaker: give labels and "
        "speakers.": bool((own.truth == NO_EMOTION).all()),
        f"{where} has labelled clips of {speakers} known speakers, and a tuning that is to hold for others needs "
        f"{MIN_SPEAKERS} or more: add speakers.": speakers < MIN_SPEAKERS,
        f"{where} has {clips} labelled clips with an answer and a known speaker, and a calibration error needs "
        f"{ECE_MIN_CLIPS}: label more (`bench next`).": clips < ECE_MIN_CLIPS,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def fit_tuning(logarithms: NDArray[np.float64], truth: NDArray[np.int64], biased: NDArray[np.bool_]) -> Fit:
    """Fit a temperature, and biases of some emotions that sum to zero.

    Args:
        logarithms: As from `log_probabilities`, shape (clips, emotions + 1).
        truth: Index of each clip's emotion.
        biased: Which emotions get a bias, shape (emotions,); fewer than two get none.
    """
    clips, free = len(truth), np.flatnonzero(biased) if biased.sum() > 1 else np.zeros(0, dtype=np.int64)
    rows, hits = np.arange(clips), np.bincount(truth, minlength=logarithms.shape[1])[free]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = logarithms * np.exp(-parameters[0])
        biases = parameters[1:] - parameters[1:].mean() if free.size else parameters[1:]
        scores = scaled.copy()
        scores[:, free] += biases
        totals = logsumexp(scores, axis=1, keepdims=True)
        value = float((totals[:, 0] - scores[rows, truth]).sum()) + float((parameters**2).sum()) / 2
        shares = np.exp(scores - totals)
        by_bias = shares[:, free].sum(axis=0) - hits
        by_bias = by_bias - by_bias.mean() if free.size else by_bias
        by_temperature = scaled[rows, truth].sum() - (shares * scaled).sum()
        return value / clips, (np.append(by_temperature, by_bias) + parameters) / clips

    bounds = [_LOG_TEMPERATURES, *[(None, None)] * free.size]
    solution = minimize(loss, np.zeros(1 + free.size), jac=True, method="L-BFGS-B", bounds=bounds).x
    biases = np.zeros(len(biased))
    biases[free] = solution[1:] - solution[1:].mean() if free.size else solution[1:]
    return Fit(float(np.exp(solution[0])), biases)


def class_thresholds(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], max_error: float
) -> NDArray[np.float64]:
    """The least probability of each emotion from which on at most `max_error` of its answers are wrong.

    Both the clips and the probabilities have to say so: (wrong + 1) / (accepted + 1), and the mean of 1 − p. The former
    alone would be too low, as it takes the luckiest of many thresholds.

    Args:
        probabilities: Tuned, shape (clips, emotions).
        truth: As in `LabelledAnswers`.

    Returns:
        Shape (emotions,); infinite where no answer can be accepted.

    Examples:
        >>> sure, unsure = np.tile([0.95, 0.05], (20, 1)), np.tile([0.6, 0.4], (20, 1))
        >>> class_thresholds(np.vstack([sure, unsure]), np.repeat([0, 0, 1], [20, 10, 10]), 0.1).tolist()
        [0.95, inf]
    """
    answers, thresholds = probabilities.argmax(axis=1), np.full(probabilities.shape[1], np.inf)
    for emotion in range(probabilities.shape[1]):
        own = np.flatnonzero(answers == emotion)
        own = own[np.argsort(-probabilities[own, emotion], kind="stable")]
        confidence, accepted = probabilities[own, emotion], np.arange(1, len(own) + 1)
        observed = (np.cumsum(truth[own] != emotion) + 1) / (accepted + 1)
        expected = np.cumsum(1 - confidence) / accepted
        is_last_of_equals = np.append(confidence[1:] < confidence[:-1], True)[: len(own)]
        kept = np.flatnonzero((observed <= max_error) & (expected <= max_error) & is_last_of_equals)
        if kept.size:
            thresholds[emotion] = confidence[kept[-1]]
    return thresholds


@dataclass(frozen=True, eq=False)
class _OutOfFold:
    """Answers that were tuned by fits without their speakers, and whether they are above such thresholds."""

    accepted: NDArray[np.bool_]
    decisions: Decisions
    losses: NDArray[np.float64]


def _out_of_fold(own: LabelledAnswers, method: TuningMethod, max_error: float) -> _OutOfFold:
    folds, probabilities = own.folds(), np.empty_like(own.answers.probabilities)
    accepted = np.zeros(len(own.truth), dtype=np.bool_)
    for fold in np.unique(folds):
        held_out = folds == fold
        fit = own.fit(~held_out, method)
        thresholds = class_thresholds(own.tuned(fit, ~held_out), own.truth[~held_out], max_error)
        tuned = own.tuned(fit, held_out)
        probabilities[held_out] = tuned
        accepted[held_out] = tuned.max(axis=1) >= thresholds[tuned.argmax(axis=1)]
    true = np.where(own.truth == NO_EMOTION, 0.0, probabilities[np.arange(len(own.truth)), own.truth])
    return _OutOfFold(
        accepted=accepted,
        decisions=open_decisions(replace(own.answers, source=probabilities)),
        losses=-np.log(np.maximum(true, PROBABILITY_FLOOR)),
    )


def tune(
    evaluation: Evaluation, model: TunedModel, corpus: CorpusRecord, *, max_error: float, created: datetime
) -> Tuning:
    """Fit a tuning on all speakers, and judge it by fits that have not seen the speakers they are judged on.

    The prior is fitted, too, where it lowers the log loss and does not lower the UAR; a temperature alone changes no
    decision. Where neither surely changes the log loss by more than `CALIBRATED_WITHIN`, only thresholds are kept.

    Args:
        evaluation: Of a candidate that is not `why_not_tunable`.
        model: What answered.
        corpus: What it answered to.
        max_error: The promised share of wrong answers among accepted ones.
        created: When it is fitted.
    """
    own = LabelledAnswers.of(evaluation.answers)
    tried = {method: _out_of_fold(own, method, max_error) for method in TuningMethod}
    scores = {method: _scores(method, result.decisions, result.losses) for method, result in tried.items()}
    method = _best_method(scores)
    before = tried[TuningMethod.AS_IT_IS]
    log_loss = mean_change(tried[method].losses - before.losses, own.speakers)
    if max(abs(log_loss.low), abs(log_loss.high)) <= CALIBRATED_WITHIN:
        method, log_loss = TuningMethod.AS_IT_IS, Change(value=0.0, low=0.0, high=0.0)
    after = tried[method]
    ece = _ece_change(before.decisions, after.decisions, own.speakers)
    accepted = _risk(after.accepted, after.decisions, own.speakers)
    durations = [clip.duration_s for clip in corpus.clips if clip.duration_s is not None]
    return Tuning(
        model=model,
        candidate=evaluation.candidate,
        source=corpus.source,
        merge=corpus.merge,
        clips=len(own.truth),
        left_out=own.left_out,
        speakers=own.number_of_speakers,
        folds=len(np.unique(own.folds())),
        out_of_fold=evaluation.adapted,
        median_clip_s=float(np.median(durations)) if durations else None,
        method=method,
        applied=_fitted_on_all(own, method, corpus.name, max_error=max_error, created=created),
        scores=tuple(scores.values()),
        log_loss_change=log_loss,
        ece_change=ece,
        uar_change=_uar_change(before.decisions, after.decisions, own.answers.speakers),
        accepted=accepted,
        curve=tuple(_risk_at(coverage, after.decisions, own.speakers) for coverage in COVERAGES),
        verdict=_verdict(method, log_loss, ece, accepted, max_error),
    )


def _best_method(scores: Mapping[TuningMethod, TuningScores]) -> TuningMethod:
    plain, prior = scores[TuningMethod.AS_IT_IS], scores[TuningMethod.PRIOR]
    is_better = prior.log_loss < scores[TuningMethod.TEMPERATURE].log_loss and prior.uar >= plain.uar
    return TuningMethod.PRIOR if is_better else TuningMethod.TEMPERATURE


def _fitted_on_all(
    own: LabelledAnswers, method: TuningMethod, corpus: str, *, max_error: float, created: datetime
) -> AppliedTuning:
    everything = np.ones(len(own.truth), dtype=np.bool_)
    fit = own.fit(everything, method)
    thresholds = class_thresholds(own.tuned(fit, everything), own.truth, max_error)
    clips = np.bincount(own.truth[own.truth != NO_EMOTION], minlength=len(thresholds))
    return AppliedTuning(
        corpus=corpus,
        created=created,
        temperature=fit.temperature,
        max_error=max_error,
        emotions=tuple(
            EmotionTuning(
                emotion=emotion,
                clips=int(number),
                bias=float(bias),
                threshold=float(threshold) if np.isfinite(threshold) else None,
            )
            for emotion, number, bias, threshold in zip(own.answers.classes, clips, fit.biases, thresholds, strict=True)
        ),
    )


def _verdict(
    method: TuningMethod, log_loss: Change, ece: Change, accepted: RiskPoint, max_error: float
) -> TuningVerdict:
    if method is not TuningMethod.AS_IT_IS and log_loss.value >= 0:
        return TuningVerdict.WORSE
    if method is not TuningMethod.AS_IT_IS and (log_loss.high >= 0 or ece.value > 0):
        return TuningVerdict.UNDECIDED
    if accepted.low is None or accepted.low > max_error:
        return TuningVerdict.NO_PROMISE
    return TuningVerdict.CALIBRATED if method is TuningMethod.AS_IT_IS else TuningVerdict.BETTER


def _scores(method: TuningMethod, decisions: Decisions, losses: NDArray[np.float64]) -> TuningScores:
    return TuningScores(
        method=method,
        uar=uar(decisions) or 0.0,
        log_loss=float(losses.mean()),
        ece=expected_calibration_error(decisions) or 0.0,
        ece_expected=ece_if_calibrated(decisions) or 0.0,
    )


def mean_change(differences: NDArray[np.float64], speakers: NDArray[np.int64]) -> Change:
    """The mean of a difference per clip, with the jackknife's interval over speakers and Student's t.

    Args:
        differences: Shape (clips,).
        speakers: A number for each clip's speaker.
    """
    clips, sums = np.bincount(speakers), np.bincount(speakers, weights=differences)
    left_out = (sums.sum() - sums) / (clips.sum() - clips)
    return _change(float(differences.mean()), left_out, clips)


def _ece_change(before: Decisions, after: Decisions, speakers: NDArray[np.int64]) -> Change:
    """The change of the calibration error, with the interval of the errors that remain without each speaker."""

    def change(kept: NDArray[np.bool_]) -> float:
        errors = [binned_calibration_error(own.confidence[kept], own.correct[kept]) for own in (before, after)]
        return errors[1] - errors[0]

    left_out = [change(speakers != speaker) for speaker in range(int(speakers.max()) + 1)]
    return _change(change(speakers >= 0), np.array(left_out), np.bincount(speakers))


def _change(value: float, left_out: NDArray[np.float64], clips: NDArray[np.int64]) -> Change:
    reach = float(critical_t(degrees_of_freedom(clips[:, None], np.ones(1))) * jackknife_error(left_out))
    return Change(value=value, low=value - reach, high=value + reach)


def _uar_change(before: Decisions, after: Decisions, speakers: Sequence[str | None]) -> Change:
    counts = [count_by_speaker(decisions, speakers) for decisions in (after, before)]
    interval = uar_difference_interval(after, before, counts[0], counts[1])
    if interval is None or np.array_equal(before.answers, after.answers):
        return Change(value=0.0, low=0.0, high=0.0)
    return Change(value=(uar(after) or 0.0) - (uar(before) or 0.0), low=interval.low, high=interval.high)


def _risk_at(coverage: float, decisions: Decisions, speakers: NDArray[np.int64]) -> RiskPoint:
    """The risk of the most confident share of the answers, and of those that are as confident as the last of them."""
    confidence = np.sort(decisions.confidence)[::-1]
    least = float(confidence[max(int(np.ceil(coverage * confidence.size)), 1) - 1])
    return _risk(decisions.confidence >= least, decisions, speakers).model_copy(update={"confidence": least})


def _risk(accepted: NDArray[np.bool_], decisions: Decisions, speakers: NDArray[np.int64]) -> RiskPoint:
    right = accepted & decisions.correct
    number, hits, clips = int(speakers.max()) + 1, int(right.sum()), int(accepted.sum())
    point = RiskPoint(coverage=clips / accepted.size, clips=clips)
    counts = SpeakerCounts(
        hits=np.bincount(speakers[right], minlength=number)[:, None].astype(np.int64),
        clips=np.bincount(speakers[accepted], minlength=number)[:, None].astype(np.int64),
    )
    interval = accuracy_interval(np.array([[hits, clips - hits]], dtype=np.int64), counts)
    if interval is None:
        return point
    return point.model_copy(
        update={"error": 1 - hits / clips, "low": 1 - interval.high, "high": 1 - interval.low},
    )
