from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.intervals import Interval, uar_interval
from benchmark.scoring.selection import Contest, SelectionRule, expected_score


def candidates(recalls: list[float], speakers: int = 12, clips: int = 10, seed: int = 1) -> list[SpeakerCounts]:
    """Candidates with these recalls of two emotions, with any speaker."""
    generator = np.random.default_rng(seed)
    size = np.full((speakers, 2), clips)
    return [SpeakerCounts(hits=generator.binomial(size, recall), clips=size) for recall in recalls]


def interval_of(counts: SpeakerCounts) -> Interval:
    hits = counts.hits.sum(axis=0)
    interval = uar_interval(np.column_stack([np.diag(hits), counts.clips.sum(axis=0) - hits]), counts)
    assert interval is not None
    return interval


def everybody(contest: Contest) -> list[NDArray[np.bool_]]:
    return [np.ones(len(contest.clips), dtype=np.bool_)]


def test_a_single_candidate_is_expected_to_score_what_it_scored() -> None:
    (own,) = candidates([0.7])
    uar, interval = expected_score([Contest.of([own])], 0, SelectionRule(costs=[(1.0, 1.0)]), 0, interval_of(own))
    assert uar == pytest.approx(own.uar)
    assert (interval.low, interval.high) == pytest.approx((interval_of(own).low, interval_of(own).high), abs=5e-3)


def test_every_speaker_is_scored_by_the_pick_that_is_made_without_them() -> None:
    counts = candidates([0.7] * 5)
    contest, rule = Contest.of(counts), SelectionRule(costs=[(0.0, 0.0)] * 5)
    hits = np.zeros(2)
    for speaker in range(12):
        others = np.arange(12) != speaker
        own = [SpeakerCounts(hits=each.hits[others], clips=each.clips[others]) for each in counts]
        remaining = replace(Contest.of(own), speakers=12)
        hits += counts[int(remaining.lower_bounds.argmax())].hits[speaker]
    pick = rule.pick([contest], everybody(contest))
    uar, interval = expected_score([contest], 0, rule, pick, interval_of(counts[pick]))
    assert uar == pytest.approx((hits / 120).mean())
    assert uar < counts[pick].uar
    assert interval.low < interval_of(counts[pick]).low
    assert interval.high == interval_of(counts[pick]).high


@pytest.mark.parametrize(
    ("rule", "pick"),
    [
        (SelectionRule(costs=[(3.0, 0.0), (2.0, 0.0), (1.0, 0.0)]), 0),
        (SelectionRule(costs=[(3.0, 0.0), (2.0, 0.0), (1.0, 0.0)], within=0.2), 1),
        (SelectionRule(costs=[(3.0, 0.0), (2.0, 0.0), (1.0, 0.0)], within=0.9), 1),
        (SelectionRule(costs=[(3.0, 0.0), (2.0, 9.0), (2.0, 1.0)], within=0.2, min_uar=0.85), 0),
        (SelectionRule(costs=[(0.0, 0.0)] * 3, is_useless=lambda index, _corpus, _speakers: index == 0), 1),
        (SelectionRule(costs=[(0.0, 0.0)] * 3, min_uar=0.99), 0),
    ],
    ids=["best", "within", "guessing is never within", "limit", "flag", "nobody meets it"],
)
def test_the_rule_applies_limits_flags_and_costs(rule: SelectionRule, pick: int) -> None:
    contest = Contest.of(candidates([0.95, 0.85, 0.5], clips=40))
    assert rule.pick([contest], everybody(contest)) == pick


def test_the_bounds_of_a_part_are_those_that_all_speakers_would_give() -> None:
    contest = Contest.of(candidates([0.7, 0.6], speakers=400, seed=3))
    half = contest.among(np.arange(400) % 2 == 0)
    np.testing.assert_allclose(half.scores - half.lower_bounds, contest.scores - contest.lower_bounds, rtol=0.1)
    rivals = np.ones(2, dtype=np.bool_)
    whole = contest.regrets(rivals) - (contest.scores.max() - contest.scores)
    part = half.regrets(rivals) - (half.scores.max() - half.scores)
    assert part[1] == pytest.approx(whole[1], rel=0.1)


def test_an_emotion_that_a_part_of_the_speakers_lacks_does_not_count_there() -> None:
    clips = np.array([[5, 5, 5], [5, 5, 5], [5, 5, 0], [5, 5, 0]])
    hits = np.array([[5, 0, 5], [5, 0, 5], [5, 0, 0], [5, 0, 0]])
    contest = Contest.of([SpeakerCounts(hits=hits, clips=clips), SpeakerCounts(hits=clips - hits, clips=clips)])
    part = contest.among(np.array([False, False, True, True]))
    assert (part.scores.tolist(), part.chance) == ([0.5, 0.5], 0.5)
    assert part.regrets(np.array([True, True])).tolist() == [0.0, 0.0]


def test_a_half_that_plays_a_single_emotion_decides_by_its_recall() -> None:
    clips = np.array([[5, 0], [5, 0], [5, 0], [5, 5], [5, 5], [5, 5]])
    hits = np.stack([np.minimum(clips, own) for own in (2, 4)])
    contest = Contest(hits=hits, clips=clips, speakers=6)
    rule = SelectionRule(costs=[(0.0, 0.0)] * 2)
    assert rule.pick([contest], [np.arange(6) < 3]) == 1
