import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binomtest, t

from benchmark.scoring import intervals
from benchmark.scoring.decisions import SpeakerCounts

Counts = NDArray[np.int64]


def both_intervals(hits: Counts, clips: Counts, *, by_speaker: bool = True) -> list[intervals.Interval]:
    """The intervals of UAR and accuracy; hits and clips by speaker and emotion, every miss in the last column."""
    confusion = np.column_stack([np.diag(hits.sum(axis=0)), (clips - hits).sum(axis=0)])
    counts = SpeakerCounts(hits=hits, clips=clips) if by_speaker else None
    both = [intervals.uar_interval(confusion, counts), intervals.accuracy_interval(confusion, counts)]
    return [interval for interval in both if interval is not None]


@pytest.mark.parametrize(
    ("clips", "usable"),
    [
        ([], False),
        ([[3, 3], [3, 3]], False),
        ([[3, 3], [3, 3], [3, 3]], True),
        ([[3, 3], [3, 0], [3, 0]], False),
        ([[3, 3], [3, 0], [0, 3]], True),
        ([[3], [3], [3]], True),
    ],
)
def test_speakers_can_be_left_out_when_there_are_three_and_no_emotion_is_one_speakers_own(
    clips: list[list[int]], usable: bool
) -> None:
    width = len(clips[0]) if clips else 0
    assert intervals.speakers_can_be_left_out(np.array(clips, dtype=np.int64).reshape(len(clips), width)) is usable


def test_leave_one_out_estimates_equal_a_loop() -> None:
    generator = np.random.default_rng(0)
    clips = generator.integers(1, 9, size=(5, 4))
    hits = generator.binomial(clips, 0.6)
    rests = [(np.delete(hits, speaker, axis=0), np.delete(clips, speaker, axis=0)) for speaker in range(5)]
    uars = [np.mean(rest_hits.sum(axis=0) / rest_clips.sum(axis=0)) for rest_hits, rest_clips in rests]
    assert intervals.leave_one_out_uar(hits, clips) == pytest.approx(uars)
    accuracies = [rest_hits.sum() / rest_clips.sum() for rest_hits, rest_clips in rests]
    assert intervals.leave_one_out_accuracy(hits, clips) == pytest.approx(accuracies)


def test_the_interval_with_speakers_is_the_definition_written_out() -> None:
    hits = np.array([[7, 5], [9, 8], [6, 6], [8, 4]])
    left_out = [np.mean(np.delete(hits, speaker, axis=0).sum(axis=0) / 30) for speaker in range(4)]
    theta = np.mean(hits.sum(axis=0) / 40)
    error = np.sqrt(3 / 4 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    reach = t.ppf(0.975, 3) * error / (theta * (1 - theta))
    interval = both_intervals(hits, np.full((4, 2), 10))[0]
    assert interval.method is intervals.IntervalMethod.SPEAKERS
    assert (interval.low, interval.high) == pytest.approx((expit(logit(theta) - reach), expit(logit(theta) + reach)))


def test_degrees_of_freedom_are_those_of_the_influences_of_speakers_written_out() -> None:
    generator = np.random.default_rng(1)
    clips, variances = generator.integers(0, 9, size=(7, 3)) + 1, np.array([0.25, 0.1, 0.02])
    matrix = sum(
        variance * (np.diag(column) - np.outer(column, column) / column.sum()) / column.sum() ** 2
        for column, variance in zip(clips.T, variances, strict=True)
    )
    expected = np.trace(matrix) ** 2 / np.trace(matrix @ matrix)
    assert float(intervals.degrees_of_freedom(clips, variances)) == pytest.approx(expected)
    assert intervals.degrees_of_freedom(np.full((7, 3), 5), np.stack([variances] * 2)) == pytest.approx([6.0, 6.0])


def test_unequal_speakers_and_an_emotion_of_few_widen_the_interval() -> None:
    hits, clips = np.full((10, 2), 6), np.full((10, 2), 8)
    hits[::2] = 4
    few_hits, few_clips = hits.copy(), clips.copy()
    few_hits[3:, 0] = few_clips[3:, 0] = 0
    variances = intervals.answer_variances(few_hits, few_clips)
    error = float(intervals.jackknife_error(intervals.leave_one_out_uar(few_hits, few_clips)))
    interval = both_intervals(few_hits, few_clips)[0]
    freedom = float(intervals.degrees_of_freedom(few_clips, variances))
    assert freedom < 4
    assert interval == intervals.logit_interval(SpeakerCounts(hits=few_hits, clips=few_clips).uar, error, freedom)
    unequal = clips * np.array([9] + [1] * 9)[:, None]
    assert intervals.degrees_of_freedom(unequal, intervals.answer_variances(hits, clips)) < 6


@pytest.mark.parametrize(("hits", "clips"), [(0, 1), (1, 1), (0, 20), (7, 20), (20, 20), (900, 1000)])
def test_wilson_equals_scipys_for_whole_counts(hits: int, clips: int) -> None:
    expected = binomtest(hits, clips).proportion_ci(method="wilson")
    interval = intervals.wilson_interval(hits / clips, clips)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_wrong_and_all_right_fall_back_to_wilson(share: float) -> None:
    clips = np.full((5, 2), 4)
    clips[:, 1] = 8
    expected = [intervals.wilson_interval(share, 4 / (1 / 20 + 1 / 40)), intervals.wilson_interval(share, 60)]
    assert both_intervals((clips * share).astype(np.int64), clips) == expected
    assert both_intervals((clips * share).astype(np.int64), clips, by_speaker=False) == expected


def test_a_constant_answer_falls_back_to_wilson() -> None:
    uar = both_intervals(np.tile([7, 0, 0], (5, 1)), np.full((5, 3), 7))[0]
    expected = intervals.wilson_interval(1 / 3, 105)
    assert uar.method is intervals.IntervalMethod.WILSON
    assert (uar.low, uar.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_clips_there_is_no_interval() -> None:
    assert both_intervals(np.zeros((0, 0), dtype=np.int64), np.zeros((0, 0), dtype=np.int64)) == []


def test_without_speakers_the_interval_is_a_bootstrap_over_the_clips_of_each_emotion() -> None:
    generator = np.random.default_rng(0)
    clips = np.array([30, 60, 15])
    hits = generator.binomial(clips, 0.7)
    draws = [generator.random((4000, size)) < hit / size for size, hit in zip(clips, hits, strict=True)]
    recalls = np.mean([draw.mean(axis=1) for draw in draws], axis=0)
    accuracies = np.concatenate(draws, axis=1).mean(axis=1)
    both = both_intervals(hits[None], clips[None], by_speaker=False)
    for interval, estimates in zip(both, (recalls, accuracies), strict=True):
        assert interval.method is intervals.IntervalMethod.CLIPS
        np.testing.assert_allclose([interval.low, interval.high], np.quantile(estimates, [0.025, 0.975]), atol=0.015)
    assert both_intervals(hits[None], clips[None], by_speaker=False) == both, "the seed is fixed"


@pytest.mark.parametrize("seed", range(3))
def test_every_interval_holds_its_estimate_and_stays_within_0_and_1(seed: int) -> None:
    generator = np.random.default_rng(seed)
    clips = generator.integers(0, 4, size=(generator.integers(2, 7), generator.integers(1, 5))) + 1
    hits = generator.binomial(clips, generator.choice([0.0, 0.05, 0.5, 0.95, 1.0]))
    estimates = np.mean(hits.sum(axis=0) / clips.sum(axis=0)), hits.sum() / clips.sum()
    for interval, estimate in zip(both_intervals(hits, clips), estimates, strict=True):
        assert 0 <= interval.low <= estimate + 1e-12
        assert estimate - 1e-12 <= interval.high <= 1
