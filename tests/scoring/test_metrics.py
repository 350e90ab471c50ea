"""Scores compared with scikit-learn and scipy."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    precision_recall_fscore_support,
)

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions, confusion_matrix, covered_emotions, open_decisions
from benchmark.scoring.metrics import (
    CLIPS_PER_BIN,
    INTERVALS,
    METRICS,
    RELIABILITY_BINS,
    accuracy,
    brier,
    common_uar,
    coverage,
    emotion_scores,
    expected_calibration_error,
    macro_f1,
    majority_accuracy,
    reliability,
    soft_cross_entropy,
    soft_jensen_shannon,
    uar,
    weighted_f1,
)
from tests.scoring.conftest import EMOTIONS, Build, Decide, Errors, RunBuilder


@pytest.mark.parametrize(
    ("truth", "answers", "classes", "expected"),
    [
        ([], [], 0, (None, None, None, None)),
        ([0], [0], 1, (1.0, 1.0, 1.0, 1.0)),
        ([0], [1], 1, (0.0, 0.0, 0.0, 1.0)),
        ([0, 0, 0], [0, 0, 1], 1, (2 / 3, 2 / 3, 0.8, 1.0)),
        ([0, 0, 0, 1], [0, 0, 0, 0], 2, (0.75, 0.5, (6 / 7) / 2, 0.75)),
        ([0, 0, 1, 1], [2, 2, 2, 2], 2, (0.0, 0.0, 0.0, 0.5)),
        ([0, 0, 1, 1], [0, 2, 1, 1], 2, (0.75, 0.75, (2 / 3 + 1) / 2, 0.5)),
        ([0, 1, 2, 2], [0, 1, 2, 2], 3, (1.0, 1.0, 1.0, 0.5)),
    ],
)
def test_hand_made_cases(
    decide: Decide, truth: list[int], answers: list[int], classes: int, expected: tuple[float | None, ...]
) -> None:
    decisions = decide(truth, answers, classes)
    found = accuracy(decisions), uar(decisions), macro_f1(decisions), majority_accuracy(decisions)
    assert found == (None,) * 4 if expected[0] is None else found == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(2))
def test_shared_uar_equals_a_loop_over_covered_clips(random_answers: Build, seed: int) -> None:
    answers = random_answers(seed, 150, classes=3)
    covered = covered_emotions(answers)
    recalls = []
    for emotion in covered:
        rows = [row for row, truth in zip(answers.probabilities, answers.truth, strict=True) if truth == emotion]
        best = [
            None if np.isnan(row).any() else max(covered, key=lambda name: row[answers.classes.index(name)])
            for row in rows
        ]
        recalls.append(best.count(emotion) / len(best))
    assert common_uar(answers, covered_emotions(answers)) == pytest.approx(np.mean(recalls), abs=1e-12)


def test_shared_uar_needs_two_covered_emotions(hard_answers: Build) -> None:
    one = hard_answers(["anger", "fear"], ["anger", "surprise"], ["anger", "surprise"])
    two = hard_answers(["anger", "fear", "sadness"], ["anger", "fear", "anger"], ["anger", "fear"])
    assert common_uar(one, covered_emotions(one)) is None
    assert common_uar(two, covered_emotions(two)) == 1.0


def test_common_uar_is_empty_for_a_candidate_that_does_not_cover_the_common_emotions(hard_answers: Build) -> None:
    answers = hard_answers(["anger", "fear", "sadness"], ["anger", "fear", "anger"], ["anger", "fear"])
    assert common_uar(answers, ("anger", "sadness")) is None
    assert common_uar(answers, ("anger",)) is None
    assert common_uar(answers, ()) is None
    assert common_uar(answers, ("anger", "fear")) == 1.0


def test_scores_without_scored_clips_are_empty(hard_answers: Build) -> None:
    answers = hard_answers([None, None], ["anger", "fear"], ["anger", "fear"])
    assert coverage(answers) is None
    assert common_uar(answers, covered_emotions(answers)) is None
    assert uar(open_decisions(answers)) is None


def test_calibration_error_is_empty_below_200_answered_clips(random_answers: Build) -> None:
    assert expected_calibration_error(open_decisions(random_answers(1, 0))) is None
    assert expected_calibration_error(open_decisions(random_answers(1, 199, gaps=0.0))) is None
    assert expected_calibration_error(open_decisions(random_answers(1, 200, gaps=0.0))) is not None


def test_calibration_error_equals_bins_of_sorted_clips() -> None:
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.2, 1.0, size=450)
    answers = generator.integers(2, size=450)
    decisions = Decisions(
        emotions=("anger", "fear"), truth=np.zeros(450, np.int64), answers=answers, confidence=confidence
    )
    bins = np.split(np.argsort(confidence), 15)
    gaps = [decisions.correct[rows].mean() - confidence[rows].mean() for rows in bins]
    assert min(gaps) < 0 < max(gaps), "else every way of binning gives the same"
    assert expected_calibration_error(decisions) == pytest.approx(np.mean(np.abs(gaps)), abs=1e-12)


def test_calibration_error_of_equal_confidences_does_not_depend_on_the_order_of_the_clips(decide: Decide) -> None:
    decisions = decide([0] * 150 + [1] * 50, [0] * 200, 2)
    assert expected_calibration_error(decisions) == pytest.approx(0.25)


def decisions(clips: int, *, seed: int = 0, unanswered: int = 0) -> Decisions:
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.3, 1.0, clips)
    confidence[:unanswered] = np.nan
    answers = np.where(generator.random(clips) < np.nan_to_num(confidence, nan=0.0), 0, 1)
    return Decisions(
        emotions=("anger", "fear"), truth=np.zeros(clips, np.int64), answers=answers, confidence=confidence
    )


@pytest.mark.parametrize(("clips", "bins"), [(0, 0), (39, 0), (40, 2), (112, 5), (300, 15), (5000, 15)])
def test_there_are_as_many_bins_as_clips_allow(clips: int, bins: int) -> None:
    found = reliability(decisions(clips))
    assert len(found) == bins
    assert sum(each.clips for each in found) == (clips if bins else 0)
    assert all(each.clips >= CLIPS_PER_BIN for each in found)


def test_from_300_clips_on_the_mean_distance_of_the_bins_is_the_calibration_error() -> None:
    given = decisions(1000, seed=3, unanswered=7)
    found = reliability(given)
    assert len(found) == RELIABILITY_BINS
    total = sum(each.clips for each in found)
    assert total == 993
    error = sum(each.clips * abs(each.accuracy - each.confidence) for each in found) / total
    assert error == pytest.approx(expected_calibration_error(given))


def test_bins_go_from_unsure_to_sure_whatever_the_order_of_the_clips() -> None:
    given = decisions(200, seed=1)
    shuffled = np.random.default_rng(2).permutation(200)
    other = Decisions(
        emotions=given.emotions,
        truth=given.truth[shuffled],
        answers=given.answers[shuffled],
        confidence=given.confidence[shuffled],
    )
    one, two = reliability(given), reliability(other)
    assert [each.accuracy for each in one] == pytest.approx([each.accuracy for each in two])
    sure = [each.confidence for each in one]
    assert sure == sorted(sure)


def test_one_who_is_always_as_sure_has_one_bin() -> None:
    given = Decisions(
        emotions=("anger", "fear"),
        truth=np.zeros(100, np.int64),
        answers=np.arange(100, dtype=np.int64) % 2,
        confidence=np.full(100, 0.8),
    )
    (only,) = reliability(given)
    assert (only.clips, only.accuracy) == (100, 0.5)
    assert only.confidence == pytest.approx(0.8)


@pytest.mark.parametrize("truths", [1, 2, 5])
@pytest.mark.parametrize("classes", [1, 3, 5])
@pytest.mark.parametrize("clips", [1, 300])
def test_every_emotions_scores_equal_a_second_implementation(
    random_answers: Build, truths: int, classes: int, clips: int
) -> None:
    answers = random_answers(clips + truths, clips, truths=truths, classes=classes)
    pairs = [
        (emotion, "?" if np.isnan(row).any() else answers.classes[int(row.argmax())], row)
        for row, emotion in zip(answers.probabilities, answers.truth, strict=True)
        if emotion is not None
    ]
    decisions = open_decisions(answers)
    if not pairs:
        assert (emotion_scores(decisions), brier(answers), weighted_f1(decisions)) == ((), None, None)
        return
    true, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    emotions = sorted(set(true))
    precision, recall, f1, clips_of = precision_recall_fscore_support(true, said, labels=emotions, zero_division=0)
    found = emotion_scores(decisions)
    assert [score.precision or 0.0 for score in found] == pytest.approx(list(precision))
    assert [score.precision is None for score in found] == [emotion not in said for emotion in emotions]
    assert [score.recall for score in found] == pytest.approx(list(recall))
    assert [score.f1 for score in found] == pytest.approx(list(f1))
    assert [score.clips for score in found] == list(clips_of)
    assert weighted_f1(decisions) == pytest.approx(np.average(f1, weights=clips_of))
    assert (uar(decisions), macro_f1(decisions)) == pytest.approx((np.mean(recall), np.mean(f1)))
    assert accuracy(decisions) == pytest.approx(accuracy_score(true, said))
    assert coverage(answers) == sum(name in answers.classes for name in true) / len(true)
    distances = []
    for emotion, _, row in pairs:
        chances = dict(zip(answers.classes, np.nan_to_num(row), strict=True))
        distances.append(sum((chances.get(name, 0.0) - (name == emotion)) ** 2 for name in emotions))
    assert brier(answers) == pytest.approx(np.mean(distances))
    matrix = confusion_matrix(decisions)
    for place, emotion in enumerate(emotions):
        for column, answer in enumerate(emotions):
            assert matrix[place, column] == sum(one == (emotion, answer) for one in zip(true, said, strict=True))


def test_no_clips_have_no_scores(random_answers: Build) -> None:
    answers = random_answers(0, 0)
    assert (emotion_scores(open_decisions(answers)), brier(answers)) == ((), None)


class Share:
    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        assert names[-1] == "none of these"
        return {"share": sum(one == other for one, other in zip(truth, answers, strict=True)) / len(truth)}


def test_a_metric_is_computed_for_every_scored_row(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    run.says(model, corpus, mostly_right(corpus, 0.3, 0))
    run.says(model, corpus, mostly_right(corpus, 0.6, 0), device="cuda")
    run.says(run.candidate("late"), corpus, [])
    board = run.score(metrics=[Share()])
    rows = {(row.candidate, row.device): row for row in board.rows}
    for device in ("cpu", "cuda"):
        assert rows["a", device].metrics == {"share": pytest.approx(rows["a", device].accuracy)}
    assert rows["late", "cpu"].metrics == {}


def test_without_labels_there_is_nothing_to_compute(run: RunBuilder) -> None:
    corpus = run.corpus("mine", [run.clip(str(number)) for number in range(3)])
    run.says(run.candidate("a"), corpus, ["anger"] * 3)
    assert run.score(metrics=[Share()]).rows[0].metrics == {}


def soft(
    rows: Sequence[Sequence[float]], classes: Sequence[str], votes: Sequence[Mapping[str | None, int] | None]
) -> tuple[float | None, float | None]:
    """Cross-entropy and Jensen-Shannon divergence of probabilities against votes."""
    answers = Answers(
        probabilities=np.array(rows),
        classes=tuple(classes),
        truth=(None,) * len(rows),
        speakers=(None,) * len(rows),
        votes=tuple(votes),
    )
    return soft_cross_entropy(answers), soft_jensen_shannon(answers)


@pytest.mark.parametrize("seed", range(3))
def test_soft_scores_are_those_of_scipy_and_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(5), size=40)
    counts = generator.multinomial(5, np.ones(5) / 5, size=40)
    found = soft(probabilities.tolist(), EMOTIONS, [dict(zip(EMOTIONS, row.tolist(), strict=True)) for row in counts])
    expected = np.mean([jensenshannon(p, q / 5, base=2) ** 2 for p, q in zip(probabilities, counts, strict=True)])
    # Every rating a sample of its own, all of a clip with the clip's probabilities.
    ratings = [index for row in counts for index, number in enumerate(row) for _ in range(number)]
    loss = log_loss(ratings, np.repeat(probabilities, 5, axis=0), labels=range(5))
    assert found == pytest.approx((loss, expected))


@pytest.mark.parametrize(
    ("rows", "classes", "votes", "expected"),
    [
        ([[1.0, 0.0]], ("anger", "fear"), {"surprise": 2}, (6 * np.log(10), 1.0)),
        ([[np.nan, np.nan]], ("anger", "fear"), {"anger": 1}, (6 * np.log(10), 1.0)),
        (
            [[0.5]],
            ("anger",),
            {"anger": 1, None: 3},
            (np.log(2), float(jensenshannon([0.5, 0.5], [1, 0], base=2)) ** 2),
        ),
    ],
    ids=["a class that the model does not have", "a clip that could not be processed", "mass outside all emotions"],
)
def test_what_a_model_does_not_give_to_the_raters_emotions_is_lost(
    rows: list[list[float]], classes: tuple[str, ...], votes: dict[str | None, int], expected: tuple[float, float]
) -> None:
    assert soft(rows, classes, [votes]) == pytest.approx(expected)


def test_clips_that_nobody_rated_do_not_count() -> None:
    rows, classes = [[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]], ("anger", "fear")
    assert soft(rows, classes, [None, {"anger": 2}, {None: 2}]) == soft(rows[1:2], classes, [{"anger": 2}])
    assert soft(rows, classes, [None, {}, None]) == (None, None)


def test_every_metric_has_a_column_of_the_leaderboard() -> None:
    ends = [f"{name}_{end}" for name in INTERVALS for end in ("low", "high")]
    assert {*METRICS, *ends} <= set(LeaderboardRow.model_fields)
    assert set(INTERVALS) <= set(METRICS)
