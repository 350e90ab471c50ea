"""What `bench tune` writes: scores before and after, thresholds, risk by coverage, and a verdict in plain words."""

import math

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, code_span, document, markdown_table
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, moment, quantity, signed, with_interval
from benchmark.results.tuning import (
    LARGEST_PROMISE,
    REJECTED_ANSWER,
    Change,
    EmotionTuning,
    RiskPoint,
    Tuning,
    TuningMethod,
    TuningScores,
    TuningVerdict,
)

_STEP = 0.05


def tuning_markdown(tuning: Tuning) -> str:
    """Write a tuning for people, as a document in Markdown that is as readable in a terminal; the verdict is last."""
    name, applied = markdown_text(tuning.candidate), tuning.applied
    return document(
        [
            f"# Tuning of {name}",
            bullets(_facts(tuning)),
            "## On speakers that the fit has not seen",
            markdown_table(tuning.scores, _score_columns(tuning)),
            f"Applied: {tuning.method.value}, with a temperature of {quantity(applied.temperature)}. Changes: log loss "
            f"{_change(tuning.log_loss_change)}, calibration error {_change(tuning.ece_change)}, UAR "
            f"{_change(tuning.uar_change)}.",
            "## Thresholds",
            markdown_table(applied.emotions, _EMOTIONS),
            f"An answer whose tuned probability is below the threshold of its emotion becomes `{REJECTED_ANSWER}`. On "
            f"speakers that neither fit nor thresholds have seen: {_accepted(tuning)}.",
            "## Risk and coverage",
            markdown_table(tuning.curve, _CURVE),
            "## Verdict",
            verdict_sentence(tuning) + ("" if tuning.verdict.usable else " Nothing is stored."),
            f"Next: {_next_command(tuning)}",
        ]
    )


def verdict_sentence(tuning: Tuning) -> str:
    """Say in plain words what the tuning does, and why it is not stored if it is not; in Markdown."""
    name, promise = markdown_text(tuning.candidate), fraction(tuning.applied.max_error)
    before, after = (tuning.scores_of(method) for method in (TuningMethod.AS_IT_IS, tuning.method))
    match tuning.verdict:
        case TuningVerdict.BETTER:
            return (
                f"Tuning brings the confidence of {name} closer to how often it is right: the calibration error falls "
                f"from {fraction(before.ece)} to {fraction(after.ece)} ({fraction(after.ece_expected)} is what "
                f"calibrated answers have with so many clips), and UAR goes from {fraction(before.uar)} to "
                f"{fraction(after.uar)}. With the thresholds, {_accepted(tuning)}; at most {promise} was promised."
            )
        case TuningVerdict.CALIBRATED:
            return (
                f"The confidence of {name} is calibrated already: a fit surely changes the log loss by 0.01 at most, "
                f"so only the thresholds are kept. With them, {_accepted(tuning)}; at most {promise} was promised."
            )
        case TuningVerdict.WORSE:
            return (
                f"Tuning does not help {name} with speakers that it has not seen: the log loss changes by "
                f"{_change(tuning.log_loss_change)}."
            )
        case TuningVerdict.UNDECIDED:
            return (
                f"{counted(tuning.speakers, 'speaker')} with {counted(tuning.clips, 'clip')} are too few to say "
                f"whether tuning helps {name}: the log loss changes by {_change(tuning.log_loss_change)}, the "
                f"calibration error by {_change(tuning.ece_change)}."
            )
        case TuningVerdict.NO_PROMISE:
            kept = "no threshold accepts any answer" if tuning.accepted.error is None else _accepted(tuning)
            return f"No thresholds of {name} keep a promise of at most {promise} wrong answers: {kept}."


def why_not_stored(tuning: Tuning) -> str:
    """Say in short why a tuning is not stored."""
    reasons = {
        TuningVerdict.WORSE: "it does not help with speakers that it has not seen",
        TuningVerdict.UNDECIDED: "there are too few speakers or clips to say whether it helps",
        TuningVerdict.NO_PROMISE: f"no thresholds keep at most {fraction(tuning.applied.max_error)} wrong answers",
    }
    return f"No tuning of {tuning.candidate} is stored: {reasons[tuning.verdict]}."


def _next_command(tuning: Tuning) -> str:
    name, merges = tuning.candidate, tuning.merge_options
    if tuning.verdict.usable:
        return f"{code_span(f'bench predict --tuned{merges} {name} FILE…')} applies it."
    if tuning.verdict is TuningVerdict.NO_PROMISE:
        if tuning.applied.max_error >= LARGEST_PROMISE:
            return f"choose another candidate by {code_span('bench recommend')}."
        promise = f"{_possible_promise(tuning):g}"
        return f"{code_span(f'bench tune {name}{merges} --max-error {promise}')} promises less."
    return f"label clips of more speakers, {code_span(f'bench run -m {name}')}, and tune again."


def _possible_promise(tuning: Tuning) -> float:
    """An error above that of the most confident answers, and above the one that could not be promised."""
    errors = [point.error for point in tuning.curve if point.error is not None]
    least = max(min(errors, default=LARGEST_PROMISE), tuning.applied.max_error)
    return min(round((math.floor(least / _STEP) + 1) * _STEP, 2), LARGEST_PROMISE)


def _facts(tuning: Tuning) -> list[str]:
    applied = tuning.applied
    facts = [
        f"{markdown_text(applied.corpus)}: {counted(tuning.clips, 'labelled clip')} of "
        f"{counted(tuning.speakers, 'speaker')}, in {counted(tuning.folds, 'part')}, each tuned by what was fitted on "
        "the others",
        f"revision {code_span(tuning.model.revision)}, {moment(applied.created)}",
    ]
    if tuning.median_clip_s is not None:
        facts.append(f"clips of {quantity(tuning.median_clip_s)} s (median), for windows about as long")
    if tuning.left_out:
        facts.append(f"{counted(tuning.left_out, 'labelled clip')} without an answer or a known speaker were left out")
    if tuning.out_of_fold:
        facts.append("the answers are out-of-fold: those of models that were trained on other speakers")
    return facts


def _score_columns(tuning: Tuning) -> list[Column[TuningScores]]:
    def method(scores: TuningScores) -> str:
        return f"**{scores.method.value}**" if scores.method is tuning.method else scores.method.value

    return [
        Column("answers", method),
        Column("UAR", lambda scores: fraction(scores.uar), numeric=True),
        Column("log loss", lambda scores: f"{scores.log_loss:.3f}", numeric=True),
        Column("calibration error", lambda scores: fraction(scores.ece), numeric=True),
        Column("if calibrated", lambda scores: fraction(scores.ece_expected), numeric=True),
    ]


def _change(change: Change) -> str:
    if change.value == change.low == change.high == 0:
        return "0.00 (no answer changes)"
    return with_interval(change.value, change.low, change.high, signed)


def _accepted(tuning: Tuning) -> str:
    point = tuning.accepted
    if point.error is None:
        return "no answer is accepted"
    share = with_interval(point.error, point.low, point.high)
    return f"{fraction(point.coverage)} of the answers are accepted, and {share} of these are wrong"


_EMOTIONS = (
    Column[EmotionTuning]("emotion", lambda own: markdown_text(own.emotion)),
    Column[EmotionTuning]("clips", lambda own: f"{own.clips:,}", numeric=True),
    Column[EmotionTuning]("bias", lambda own: signed(own.bias), numeric=True),
    Column[EmotionTuning](
        "threshold", lambda own: "never accepted" if own.threshold is None else fraction(own.threshold), numeric=True
    ),
)
_CURVE = (
    Column[RiskPoint]("accepted", lambda point: fraction(point.coverage), numeric=True),
    Column[RiskPoint]("clips", lambda point: f"{point.clips:,}", numeric=True),
    Column[RiskPoint]("least confidence", lambda point: fraction(point.confidence), numeric=True),
    Column[RiskPoint](
        "wrong", lambda point: with_interval(point.error, point.low, point.high) or UNKNOWN, numeric=True
    ),
)
