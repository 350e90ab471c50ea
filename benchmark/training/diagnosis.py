"""What went wrong in a training, in words: from the curves of its fits and the scores of its folds."""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev

from benchmark.results.training_record import EpochRecord, FoldRecord, TrainingFinding
from benchmark.training.jobs import MONITORED_CLIPS

COLLAPSED_SHARE = 0.95
"""Of the answers, for one emotion; a network that has learnt nothing yet may exceed 0.90 for an epoch."""
LASTING_EPOCHS = 2
"""A collapse of one epoch is noise of the fit."""
EPOCHS_TO_LEARN = 5
"""Networks from scratch may need so many to leave chance."""
CHANCE_ERRORS = 2.0
"""At chance: within so many standard errors of 1/K."""
OVERFITTED_FALL = 0.1
"""Twice the standard error of a UAR over 100 clips."""
LEARNT_BY_HEART = 0.3
"""Between trained clips and clips of other speakers; networks of a few hundred thousand parameters have 0.2 to 0.3."""
FAR_FROM_OTHERS = 0.15
"""A fold of five speakers differs from others by 0.05 to 0.1 with nothing wrong."""
FAR_IN_DEVIATIONS = 3.0
NEARLY_PERFECT = 0.97
SUSPICIOUS_UAR = 0.9
"""Speakers who act agree with listeners less often than that, in most corpora of four emotions and more."""
_FEWEST_FOLDS = 4
_FEWEST_EMOTIONS = 4
_LISTED = 5


def diagnose(
    fits: Sequence[FoldRecord], classes: int, *, uar: float | None = None, checks: Sequence[str] = ()
) -> list[TrainingFinding]:
    """Describe what a reader of the scores must know.

    Args:
        fits: All folds of all seeds.
        classes: The number of emotions, K.
        uar: Pooled over all out-of-fold answers.
        checks: What was checked for leaks, such as `no speaker is in two folds`, for suspicious scores.
    """
    rules: dict[str, Callable[[FoldRecord], str | None]] = {
        "not-finite": _not_finite,
        "collapse": lambda fit: _collapse(fit, classes),
        "nothing-learnt": lambda fit: _nothing_learnt(fit, classes),
        "overfitting": _overfitting,
        "suspicious": lambda fit: _perfect_at_once(fit, checks),
    }
    findings = [finding for kind, rule in rules.items() if (finding := _summarise(fits, kind, rule)) is not None]
    findings += [*_learnt_by_heart(fits), *_far_folds(fits)]
    if uar is not None and uar >= SUSPICIOUS_UAR and classes >= _FEWEST_EMOTIONS:
        sentence = (
            f"suspicious: an out-of-fold UAR of {uar:.3f} for {classes} emotions is more than speech usually allows. "
            f"{_checked(checks)} Look for what tells the emotions apart without the voice: loudness, length, noise or "
            "room of their recordings."
        )
        findings.append(TrainingFinding(kind="suspicious", sentence=sentence))
    return findings


def _summarise(
    fits: Sequence[FoldRecord], kind: str, rule: Callable[[FoldRecord], str | None]
) -> TrainingFinding | None:
    """One finding for all fits with the same problem: the first in detail, and their number."""
    found = [(fit, sentence) for fit in fits if (sentence := rule(fit)) is not None]
    if not found:
        return None
    fit, sentence = found[0]
    if len(found) > 1:
        sentence = f"{sentence} The same is true of {len(found) - 1} of the other {len(fits) - 1} fits."
    return TrainingFinding(kind=kind, sentence=sentence, fold=fit.fold if len(found) == 1 else None)


def _where(fit: FoldRecord) -> str:
    return f"fold {fit.fold} (seed {fit.seed})"


def _not_finite(fit: FoldRecord) -> str | None:
    broken = next((epoch.epoch for epoch in fit.epochs if epoch.loss is None), None)
    if broken is None:
        return None
    return f"The loss was not finite in epoch {broken} of {_where(fit)}: lower the learning_rate of the recipe."


def _is_collapsed(epoch: EpochRecord, classes: int) -> bool:
    # One emotion may really have nearly all monitored clips; then the UAR is above chance if it is well told.
    if epoch.commonest is None or epoch.commonest[1] < COLLAPSED_SHARE:
        return False
    return epoch.uar is None or epoch.uar < 2 / classes


def _collapse(fit: FoldRecord, classes: int) -> str | None:
    """Name the epoch in which a collapse began that lasted; before the first other answers nothing can collapse."""
    learnt = next((index for index, epoch in enumerate(fit.epochs) if not _is_collapsed(epoch, classes)), 0)
    run: list[EpochRecord] = []
    for epoch in fit.epochs[learnt:]:
        run = [*run, epoch] if _is_collapsed(epoch, classes) else []
        if len(run) >= LASTING_EPOCHS or (run and epoch is fit.epochs[-1]):
            emotion, share = run[-1].commonest or ("", 1.0)
            return (
                f"The model collapsed in epoch {run[0].epoch} of {_where(fit)}: {share:.0%} of its answers to the "
                f"{fit.monitored} clips are {emotion}. Lower the learning_rate or the dropout, or weigh the classes."
            )
    return None


def _nothing_learnt(fit: FoldRecord, classes: int) -> str | None:
    curve = [epoch.uar for epoch in fit.epochs if epoch.uar is not None]
    clips = fit.validation_clips or min(fit.train_clips, MONITORED_CLIPS)
    chance = 1 / classes
    latest = curve[-EPOCHS_TO_LEARN:]
    if len(latest) < EPOCHS_TO_LEARN or not clips:
        return None
    if fmean(latest) > chance + CHANCE_ERRORS * (chance * (1 - chance) / clips) ** 0.5:
        return None
    return (
        f"Nothing was learnt in {_where(fit)}: the UAR of the {fit.monitored} clips is {fmean(latest):.2f} over the "
        f"last {len(latest)} of {len(curve)} epochs, and chance is {chance:.2f}. Change the learning_rate, train for "
        "more epochs, or look at the labels."
    )


def _overfitting(fit: FoldRecord) -> str | None:
    curve = {epoch.epoch: epoch.uar for epoch in fit.epochs if epoch.uar is not None}
    if fit.monitored != "validation" or not curve:
        return None
    best, last = max(curve, key=lambda epoch: curve[epoch]), max(curve)
    if curve[best] - curve[last] < OVERFITTED_FALL:
        return None
    taken = fit.best_epoch == best
    remedy = f"the weights of epoch {best} are taken." if taken else "take fewer epochs, or set patience in the recipe."
    return (
        f"Overfitting in {_where(fit)}: the validation UAR fell from {curve[best]:.2f} in epoch {best} to "
        f"{curve[last]:.2f} in epoch {last}; {remedy}"
    )


def _perfect_at_once(fit: FoldRecord, checks: Sequence[str]) -> str | None:
    first = fit.epochs[0].uar if fit.epochs else None
    if first is None or first < NEARLY_PERFECT:
        return None
    return (
        f"suspicious: in {_where(fit)} the UAR of the {fit.monitored} clips is {first:.2f} after the first epoch. "
        f"{_checked(checks)} Look whether the labels are right, and what else tells them apart."
    )


def _checked(checks: Sequence[str]) -> str:
    return f"Checked before: {', '.join(checks)}." if checks else "Nothing was checked for leaks."


def _learnt_by_heart(fits: Sequence[FoldRecord]) -> list[TrainingFinding]:
    pairs = [
        (fit.epochs[-1].uar, fit.uar)
        for fit in fits
        if fit.monitored == "training" and fit.epochs and fit.epochs[-1].uar is not None and fit.uar is not None
    ]
    if not pairs:
        return []
    trained, tested = (fmean(values) for values in zip(*pairs, strict=True))
    if trained - tested < LEARNT_BY_HEART:
        return []
    sentence = (
        f"Overfitting: the UAR is {trained:.2f} on clips that were trained on and {tested:.2f} on other speakers, as "
        "means over the fits. More speakers, augmentation or a smaller network help."
    )
    return [TrainingFinding(kind="overfitting", sentence=sentence)]


def _far_folds(fits: Sequence[FoldRecord]) -> list[TrainingFinding]:
    """Name folds whose UAR, the mean over seeds, is far from that of the others."""
    scores: dict[int, list[float]] = {}
    for fit in fits:
        if fit.uar is not None:
            scores.setdefault(fit.fold, []).append(fit.uar)
    means = {fold: fmean(values) for fold, values in scores.items()}
    if len(means) < _FEWEST_FOLDS:
        return []
    findings = []
    for fold, mean in means.items():
        others = [value for other, value in means.items() if other != fold]
        distance = abs(mean - fmean(others))
        if distance < FAR_FROM_OTHERS or distance < FAR_IN_DEVIATIONS * stdev(others):
            continue
        speakers = next(fit.test_speakers for fit in fits if fit.fold == fold)
        named = f" (speakers {', '.join(speakers[:_LISTED])}{', …' * (len(speakers) > _LISTED)})" if speakers else ""
        sentence = (
            f"Fold {fold}{named} has a UAR of {mean:.2f}, the other folds {fmean(others):.2f}: listen to its clips, "
            "and look at their labels and recording."
        )
        findings.append(TrainingFinding(kind="far-fold", sentence=sentence, fold=fold))
    return findings
