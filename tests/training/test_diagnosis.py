from collections.abc import Sequence

import pytest

from benchmark.results.training_record import EpochRecord, FoldRecord
from benchmark.training.diagnosis import diagnose

RISING = [0.2 + 0.02 * epoch for epoch in range(15)]


def curve(
    values: Sequence[float], *, collapsed: Sequence[int] = (), broken: int | None = None
) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(
            epoch=number,
            loss=None if number == broken else 1.0,
            uar=value,
            commonest=("neutral", 0.97 if number in collapsed else 0.3),
        )
        for number, value in enumerate(values, start=1)
    )


def fit(
    fold: int = 1,
    epochs: tuple[EpochRecord, ...] = (),
    uar: float | None = 0.5,
    monitored: str = "validation",
    best_epoch: int | None = None,
) -> FoldRecord:
    return FoldRecord(
        fold=fold,
        seed=1,
        train_speakers=("a", "b"),
        test_speakers=(f"s{fold}",),
        train_clips=800,
        validation_clips=100 if monitored == "validation" else 0,
        test_clips=200,
        monitored=monitored,
        epochs=epochs,
        best_epoch=best_epoch,
        uar=uar,
    )


def the_finding(*fits: FoldRecord, classes: int = 8) -> tuple[str, str, int | None]:
    (finding,) = diagnose(fits, classes)
    return finding.kind, finding.sentence, finding.fold


def test_a_fit_that_goes_well_raises_nothing() -> None:
    fits = [fit(fold, curve(RISING), uar=0.5 + 0.02 * fold) for fold in range(1, 6)]
    assert diagnose(fits, 8, uar=0.55) == []


def test_a_loss_that_is_not_finite_is_reported_with_its_epoch() -> None:
    kind, sentence, fold = the_finding(fit(2, curve(RISING, broken=3)))
    assert (kind, fold) == ("not-finite", 2)
    assert "epoch 3 of fold 2 (seed 1)" in sentence


def test_a_collapse_is_reported_with_its_epoch_and_emotion() -> None:
    values = [*RISING[:9], 0.125, 0.125, 0.125, 0.4, 0.45, 0.48]
    kind, sentence, fold = the_finding(fit(3, curve(values, collapsed=[10, 11, 12])))
    assert (kind, fold) == ("collapse", 3)
    assert "collapsed in epoch 10 of fold 3" in sentence
    assert "97% of its answers to the validation clips are neutral" in sentence


@pytest.mark.parametrize("collapsed", [[1, 2, 3], [7]])
def test_equal_answers_before_anything_is_learnt_and_for_one_epoch_are_no_collapse(collapsed: list[int]) -> None:
    values = [0.125 if epoch in collapsed else 0.4 for epoch in range(1, 16)]
    assert diagnose([fit(epochs=curve(values, collapsed=collapsed))], 8) == []


def test_one_answer_that_is_right_is_no_collapse() -> None:
    # 97 % of the monitored clips are neutral, and the others are told from them.
    assert diagnose([fit(epochs=curve([0.9] * 6, collapsed=range(1, 7)))], 8) == []


def test_a_model_that_answers_one_emotion_from_the_first_to_the_last_epoch_collapsed_in_the_first() -> None:
    (collapse, nothing) = diagnose([fit(epochs=curve([0.125] * 6, collapsed=range(1, 7)))], 8)
    assert "collapsed in epoch 1" in collapse.sentence
    assert nothing.kind == "nothing-learnt"


def test_a_curve_that_stays_at_chance_has_learnt_nothing() -> None:
    kind, sentence, _ = the_finding(fit(epochs=curve([0.12, 0.15, 0.13, 0.11, 0.14, 0.13, 0.12])))
    assert kind == "nothing-learnt"
    assert "0.13 over the last 5 of 7 epochs, and chance is 0.12" in sentence


def test_a_few_epochs_at_chance_are_too_few_to_tell() -> None:
    assert diagnose([fit(epochs=curve([0.12, 0.15, 0.13]))], 8) == []


@pytest.mark.parametrize(("best_epoch", "remedy"), [(3, "epoch 3 are taken"), (None, "fewer epochs")])
def test_a_validation_curve_that_falls_is_overfitting(best_epoch: int | None, remedy: str) -> None:
    kind, sentence, _ = the_finding(fit(epochs=curve([0.3, 0.5, 0.6, 0.5, 0.45]), best_epoch=best_epoch))
    assert kind == "overfitting"
    assert "from 0.60 in epoch 3 to 0.45 in epoch 5" in sentence
    assert remedy in sentence


def test_trained_clips_that_are_known_by_heart_are_overfitting() -> None:
    fits = [fit(fold, curve([0.5, 0.9, 0.99]), uar=0.45, monitored="training") for fold in range(1, 4)]
    kind, sentence, _ = the_finding(*fits)
    assert kind == "overfitting"
    assert "0.99 on clips that were trained on and 0.45 on other speakers" in sentence


def test_a_perfect_first_epoch_is_suspicious_and_names_the_checks() -> None:
    (finding,) = diagnose([fit(epochs=curve([1.0, 1.0]), uar=0.8)], 8, checks=["no speaker is in two folds"])
    assert finding.kind == "suspicious"
    assert finding.sentence.startswith("suspicious: in fold 1 (seed 1) the UAR of the validation clips is 1.00")
    assert "Checked before: no speaker is in two folds." in finding.sentence


def test_the_same_problem_of_several_fits_is_one_finding() -> None:
    kind, sentence, fold = the_finding(*(fit(fold, curve([0.3, 0.6, 0.4])) for fold in range(1, 6)))
    assert (kind, fold) == ("overfitting", None)
    assert "true of 4 of the other 4 fits" in sentence


def test_a_fold_far_from_the_others_is_named_with_its_speakers() -> None:
    fits = [fit(fold, uar=0.3 if fold == 4 else 0.6 + 0.01 * fold) for fold in range(1, 6)]
    kind, sentence, fold = the_finding(*fits)
    assert (kind, fold) == ("far-fold", 4)
    assert "Fold 4 (speakers s4) has a UAR of 0.30, the other folds 0.63" in sentence


def test_a_very_high_out_of_fold_score_is_suspicious() -> None:
    (finding,) = diagnose([fit(uar=0.96)], 8, uar=0.96)
    assert finding.kind == "suspicious"
    assert "Nothing was checked for leaks" in finding.sentence
    assert diagnose([fit(uar=0.96)], 2, uar=0.96) == []
