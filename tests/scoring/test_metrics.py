from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring import metrics
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions, covered_emotions, open_decisions, uar
from tests.scoring.conftest import (
    EMOTIONS,
    RunBuilder,
    clip_record,
    decide,
    hard_answers,
    mostly_right,
    random_answers,
    row_of,
)


@pytest.mark.parametrize(
    ("truth", "answers", "classes", "expected"),
    [
        ([], [], 0, None),
        ([0], [1], 1, (0.0, 0.0, 0.0, 1.0)),
        ([0, 0, 0], [0, 0, 1], 1, (2 / 3, 2 / 3, 0.8, 1.0)),
        ([0, 0, 0, 1], [0, 0, 0, 0], 2, (0.75, 0.5, (6 / 7) / 2, 0.75)),
        ([0, 0, 1, 1], [0, 2, 1, 1], 2, (0.75, 0.75, (2 / 3 + 1) / 2, 0.5)),
    ],
)
def test_hand_made_cases(
    truth: list[int], answers: list[int], classes: int, expected: tuple[float, ...] | None
) -> None:
    decisions = decide(truth, answers, classes)
    functions = metrics.accuracy, uar, metrics.macro_f1, metrics.majority_accuracy
    scores = tuple(score(decisions) for score in functions)
    assert scores == (None,) * 4 if expected is None else scores == pytest.approx(expected)


def test_shared_uar_equals_a_loop_over_covered_clips() -> None:
    answers = random_answers(0, 150, classes=3)
    covered = covered_emotions(answers)
    hits: dict[str, list[bool]] = {emotion: [] for emotion in covered}
    for row, truth in zip(answers.probabilities, answers.truth, strict=True):
        if truth in covered:
            best = max(covered, key=lambda name: row[answers.classes.index(name)])
            hits[truth].append(best == truth and not np.isnan(row).any())
    recalls = [np.mean(own) for own in hits.values()]
    assert metrics.common_uar(answers, covered) == pytest.approx(np.mean(recalls), abs=1e-12)


@pytest.mark.parametrize(
    ("emotions", "score"), [(("anger", "fear"), 1.0), (("anger", "sadness"), None), (("anger",), None), ((), None)]
)
def test_common_uar_needs_two_emotions_that_the_candidate_covers(
    emotions: tuple[str, ...], score: float | None
) -> None:
    answers = hard_answers(["anger", "fear", "sadness"], ["anger", "fear", "anger"], ["anger", "fear"])
    assert metrics.common_uar(answers, emotions) == score


def test_scores_without_scored_clips_are_empty() -> None:
    for answers in (hard_answers([None, None], ["anger", "fear"], ["anger", "fear"]), hard_answers([], [], ["fear"])):
        decisions = open_decisions(answers)
        assert (metrics.coverage(answers), metrics.brier(answers)) == (None, None)
        assert (uar(decisions), metrics.weighted_f1(decisions)) == (None, None)
        assert (metrics.common_uar(answers, covered_emotions(answers)), metrics.emotion_scores(decisions)) == (None, ())


def graded(clips: int, *, unanswered: int = 0) -> Decisions:
    """Decisions that are right as often as they are confident."""
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.3, 1.0, clips)
    confidence[:unanswered] = np.nan
    answers = np.where(generator.random(clips) < np.nan_to_num(confidence, nan=0.0), 0, 1)
    return Decisions(
        emotions=("anger", "fear"), truth=np.zeros(clips, np.int64), answers=answers, confidence=confidence
    )


def test_calibration_error_is_the_mean_distance_over_bins_of_sorted_clips() -> None:
    generator = np.random.default_rng(3)
    decisions = replace(graded(450), answers=generator.integers(2, size=450))
    bins = np.split(np.argsort(decisions.confidence), 15)
    gaps = [decisions.correct[rows].mean() - decisions.confidence[rows].mean() for rows in bins]
    assert min(gaps) < 0 < max(gaps), "else every way of binning gives the same"
    assert metrics.expected_calibration_error(decisions) == pytest.approx(np.mean(np.abs(gaps)), abs=1e-12)
    diagram = metrics.reliability(decisions)
    assert [part.accuracy - part.confidence for part in diagram] == pytest.approx(gaps)
    assert [part.confidence for part in diagram] == sorted(part.confidence for part in diagram)


def test_calibration_needs_200_clips_and_equal_confidences_share_a_bin() -> None:
    assert metrics.expected_calibration_error(graded(199)) is None
    equal = decide([0] * 150 + [1] * 50, [0] * 200, 2)
    assert metrics.expected_calibration_error(equal) == pytest.approx(0.25)
    (only,) = metrics.reliability(equal)
    assert (only.clips, only.accuracy, only.confidence) == (200, 0.75, 0.5)


@pytest.mark.parametrize(("clips", "alike"), [(200, False), (200, True), (1440, False)])
def test_the_expected_calibration_error_is_that_of_calibrated_answers(clips: int, alike: bool) -> None:
    generator = np.random.default_rng(clips)
    confidence = generator.uniform(0.97, 1.0, clips) if alike else generator.uniform(0.2, 1.0, clips)
    decisions = replace(graded(clips), confidence=confidence)
    drawn = [
        metrics.expected_calibration_error(
            replace(decisions, answers=(generator.random(clips) > confidence).astype(int))
        )
        for _ in range(400)
    ]
    mean = float(np.mean([error for error in drawn if error is not None]))
    assert metrics.ece_if_calibrated(decisions) == pytest.approx(mean, rel=0.05)
    assert metrics.ece_if_calibrated(graded(199)) is None


@pytest.mark.parametrize(("clips", "bins"), [(0, 0), (39, 0), (40, 2), (112, 5), (300, 15), (5000, 15)])
def test_there_are_as_many_bins_as_answered_clips_allow(clips: int, bins: int) -> None:
    diagram = metrics.reliability(graded(clips + 7, unanswered=7))
    assert len(diagram) == bins
    assert sum(part.clips for part in diagram) == (clips if bins else 0)
    assert all(part.clips >= metrics.CLIPS_PER_BIN for part in diagram)


@pytest.mark.parametrize(("truths", "classes", "clips"), [(5, 3, 300), (1, 1, 300), (5, 5, 1)])
def test_every_emotions_scores_equal_a_second_implementation(truths: int, classes: int, clips: int) -> None:
    answers = random_answers(clips + truths, clips, truths=truths, classes=classes, gaps=0.1 if clips > 1 else 0.0)
    pairs = [
        (emotion, "?" if np.isnan(row).any() else answers.classes[int(row.argmax())], row)
        for row, emotion in zip(answers.probabilities, answers.truth, strict=True)
        if emotion is not None
    ]
    decisions = open_decisions(answers)
    truth, given = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    emotions = sorted(set(truth))
    precision, recall, f1, clips_of = precision_recall_fscore_support(truth, given, labels=emotions, zero_division=0)
    scores = metrics.emotion_scores(decisions)
    assert [score.precision or 0.0 for score in scores] == pytest.approx(list(precision))
    assert [score.precision is None for score in scores] == [emotion not in given for emotion in emotions]
    assert [score.recall for score in scores] == pytest.approx(list(recall))
    assert [score.f1 for score in scores] == pytest.approx(list(f1))
    assert [score.clips for score in scores] == list(clips_of)
    assert metrics.weighted_f1(decisions) == pytest.approx(np.average(f1, weights=clips_of))
    assert (uar(decisions), metrics.macro_f1(decisions)) == pytest.approx((np.mean(recall), np.mean(f1)))
    assert metrics.accuracy(decisions) == pytest.approx(accuracy_score(truth, given))
    assert metrics.coverage(answers) == sum(name in answers.classes for name in truth) / len(truth)
    distances = []
    for emotion, _, row in pairs:
        chances = dict(zip(answers.classes, np.nan_to_num(row), strict=True))
        distances.append(sum((chances.get(name, 0.0) - (name == emotion)) ** 2 for name in emotions))
    assert metrics.brier(answers) == pytest.approx(np.mean(distances))


class Share:
    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        assert names[-1] == "none of these"
        return {"share": float(np.mean(np.array(truth) == np.array(answers)))}


def test_a_users_metric_is_computed_for_every_scored_row(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    bare = run.corpus("bare", [clip_record(str(number)) for number in range(3)])
    model = run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, 0.3, 0))
    run.add(model, corpus, mostly_right(corpus, 0.6, 0), device="cuda")
    run.add(model, bare, ["anger"] * 3)
    run.add(run.candidate("late"), corpus, [])
    board = run.score(metrics=[Share()])
    for device in ("cpu", "cuda"):
        row = row_of(board, "a", device=device, corpus="acted")
        assert row.metrics == {"share": pytest.approx(row.accuracy)}
    assert row_of(board, "late", corpus="acted").metrics == row_of(board, "a", corpus="bare").metrics == {}


def soft(
    rows: Sequence[Sequence[float]], classes: Sequence[str], votes: Sequence[Mapping[str | None, int] | None]
) -> tuple[float | None, float | None]:
    """Cross-entropy and Jensen-Shannon divergence of probabilities against votes."""
    answers = Answers(
        source=np.array(rows),
        classes=tuple(classes),
        truth=(None,) * len(rows),
        speakers=(None,) * len(rows),
        votes=tuple(votes),
    )
    return metrics.soft_cross_entropy(answers), metrics.soft_jensen_shannon(answers)


def test_soft_scores_are_those_of_scipy_and_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=40)
    counts = generator.multinomial(5, np.ones(5) / 5, size=40)
    scores = soft(probabilities.tolist(), EMOTIONS, [dict(zip(EMOTIONS, row.tolist(), strict=True)) for row in counts])
    expected = np.mean([jensenshannon(p, q / 5, base=2) ** 2 for p, q in zip(probabilities, counts, strict=True)])
    # Every rating a sample of its own, all of a clip with the clip's probabilities.
    ratings = [index for row in counts for index, number in enumerate(row) for _ in range(number)]
    loss = log_loss(ratings, np.repeat(probabilities, 5, axis=0), labels=range(5))
    assert scores == pytest.approx((loss, expected))


@pytest.mark.parametrize(
    ("row", "classes", "votes", "expected"),
    [
        ([1.0, 0.0], ("anger", "fear"), {"surprise": 2}, (6 * np.log(10), 1.0)),
        ([np.nan, np.nan], ("anger", "fear"), {"anger": 1}, (6 * np.log(10), 1.0)),
        ([0.5], ("anger",), {"anger": 1, None: 3}, (np.log(2), jensenshannon([0.5, 0.5], [1, 0], base=2) ** 2)),
    ],
    ids=["a class that the model does not have", "a clip that could not be processed", "mass outside all emotions"],
)
def test_mass_that_a_model_does_not_give_to_the_raters_emotions_is_lost(
    row: list[float], classes: tuple[str, ...], votes: dict[str | None, int], expected: tuple[float, float]
) -> None:
    assert soft([row], classes, [votes]) == pytest.approx(expected)


def test_no_probabilities_are_nearer_to_the_votes_than_the_shares_themselves() -> None:
    votes: list[dict[str | None, int]] = [
        {"anger": 2, "fear": 1},
        {"anger": 3},
        {"anger": 1, "fear": 1, None: 4},
    ]
    shares = Answers(
        source=np.array([[2 / 3, 1 / 3], [1.0, 0.0], [0.5, 0.5]]),
        classes=("anger", "fear"),
        truth=(None,) * 3,
        speakers=(None,) * 3,
        votes=tuple(votes),
    )
    floor = metrics.soft_cross_entropy_floor(shares)
    assert floor == pytest.approx(metrics.soft_cross_entropy(shares))
    assert metrics.soft_cross_entropy_floor(replace(shares, source=shares.probabilities[::-1])) == floor
    assert metrics.soft_cross_entropy_floor(replace(shares, votes=(None,) * 3)) is None


def test_clips_that_nobody_rated_do_not_count() -> None:
    rows, classes = [[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]], ("anger", "fear")
    assert soft(rows, classes, [None, {"anger": 2}, {None: 2}]) == soft(rows[1:2], classes, [{"anger": 2}])
    assert soft(rows, classes, [None, {}, None]) == (None, None)


def test_every_metric_has_a_column_of_the_leaderboard() -> None:
    ends = [f"{name}_{end}" for name in metrics.INTERVALS for end in ("low", "high")]
    assert {*metrics.METRICS, *ends} <= set(LeaderboardRow.model_fields)
    assert set(metrics.INTERVALS) <= set(metrics.METRICS)
