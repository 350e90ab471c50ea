import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.gaps import GroupCounts, gap_between, speaker_columns
from benchmark.scoring.intervals import leave_one_out_uar, logit_interval


def group(hits: list[list[int]], clips: int = 10, first: int = 0) -> GroupCounts:
    counted = np.array(hits, dtype=np.int64)
    return GroupCounts(
        name=f"from {first}",
        counts=SpeakerCounts(hits=counted, clips=np.full_like(counted, clips)),
        speakers=np.arange(first, first + len(hits), dtype=np.int64),
    )


def test_the_interval_of_a_group_is_that_of_a_corpus_with_its_speakers() -> None:
    part = group([[5, 6], [7, 3], [2, 8]])
    left_out = leave_one_out_uar(part.counts.hits, part.counts.clips)
    error = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    assert part.interval == logit_interval(part.counts.uar, float(error), 2)


def test_between_different_speakers_the_gap_has_the_interval_of_welch() -> None:
    # Every speaker has as many clips of each emotion, so that UAR is the mean over speakers and the jackknife exact.
    one, other = [[9, 9], [6, 6], [9, 3]], [[1, 1], [4, 4], [4, 8], [3, 1]]
    gap = gap_between([group(one), group(other, first=3)])
    first, second = (np.mean(hits, axis=1) / 10 for hits in (one, other))
    variances = first.var(ddof=1) / 3, second.var(ddof=1) / 4
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 3)
    reach = t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert gap.gap == pytest.approx(first.mean() - second.mean())
    assert (gap.gap_low, gap.gap_high) == pytest.approx((max(0, gap.gap - reach), min(1, gap.gap + reach)))
    assert (gap.best, gap.worst) == ("from 0", "from 3")


def test_common_effects_of_the_same_speakers_cancel() -> None:
    one, other = [[10, 8], [6, 4], [3, 1]], [[8, 6], [5, 2], [2, 0]]
    gap = gap_between([group(one), group(other)])
    differences = (np.mean(one, axis=1) - np.mean(other, axis=1)) / 10
    by_speakers = t.ppf(0.975, 2) * differences.std(ddof=1) / np.sqrt(3)
    recalls = [np.sum(hits, axis=0) / 30 for hits in (one, other)]
    by_clips = 1.959964 * np.sqrt(sum((r * (1 - r) / 30).sum() / 4 for r in recalls))
    assert gap.gap_low == pytest.approx(max(0.0, gap.gap - max(by_speakers, by_clips)), abs=1e-6)


def test_an_interval_is_never_narrower_than_that_of_independent_clips() -> None:
    more = [[7, 7], [7, 8], [8, 7]]  # two more of each: the speakers do not differ at all in this
    gap = gap_between([group([[5, 5], [5, 6], [6, 5]]), group(more)])
    assert gap.gap == pytest.approx(0.2)
    assert gap.gap_high - gap.gap > 0.1


def test_groups_without_errors_have_no_gap_and_no_certainty() -> None:
    perfect = [[10, 10]] * 3
    gap = gap_between([group(perfect), group(perfect, first=3)])
    assert (gap.gap, gap.gap_low) == (0.0, 0.0)
    assert 0.03 < gap.gap_high < 1
    # (0.1 + 0.2 + 0.3) / 3 is not (0.3 + 0.2 + 0.1) / 3 in floating point.
    assert gap_between([group([[1, 2, 3]] * 3), group([[3, 2, 1]] * 3, first=3)]).gap == 0.0


def test_a_group_that_is_always_right_against_one_that_never_is() -> None:
    gap = gap_between([group([[50, 50]] * 4, 50), group([[0, 0]] * 4, 50, first=4)])
    assert (gap.gap, gap.gap_high) == (1.0, 1.0)
    assert 0.8 < gap.gap_low < 1


def test_more_groups_make_it_harder_to_claim_a_gap() -> None:
    generator = np.random.default_rng(0)
    groups = [
        group(generator.binomial(10, share, size=(6, 4)).tolist(), first=6 * number)
        for number, share in enumerate((0.3, 0.7, 0.5, 0.5, 0.5))
    ]
    assert gap_between(groups).gap_low < gap_between([groups[0], groups[1]]).gap_low


def test_the_order_of_groups_does_not_matter() -> None:
    groups = [group([[9, 9], [6, 6], [9, 3]]), group([[1, 1], [4, 4], [4, 8]], first=1), group([[5, 5]] * 3, first=2)]
    gap, other = gap_between(groups), gap_between([groups[2], *groups[:2]])
    assert (gap.gap, gap.gap_low, gap.gap_high) == pytest.approx((other.gap, other.gap_low, other.gap_high))
    assert (gap.best, gap.worst) == (other.best, other.worst) == ("from 0", "from 1")


def counts(hits: object, clips: object) -> SpeakerCounts:
    return SpeakerCounts(hits=np.array(hits, dtype=np.int64), clips=np.array(clips, dtype=np.int64))


def test_many_speakers_have_a_spread_and_four_or_none_do_not() -> None:
    assert speaker_columns(None) == speaker_columns(counts(np.zeros((0, 0)), np.zeros((0, 0)))) == {}
    assert speaker_columns(counts(np.full((4, 2), 5), np.full((4, 2), 10))) == {}
    alike = speaker_columns(counts(np.full((6, 2), 5), np.full((6, 2), 10)))
    assert alike == {"speaker_measure": "uar", "speaker_tenth": 0.5, "speaker_spread": 0.0}


@pytest.mark.parametrize(("spread", "seen_above"), [(0.0, 0.09), (0.5, 1.1), (1.0, 1.1)])
def test_chance_is_taken_off_the_spread(spread: float, seen_above: float) -> None:
    generator = np.random.default_rng(1)
    truth = expit(0.4 + spread * generator.normal(size=100_000)).std()
    people = expit(0.4 + spread * generator.normal(size=4000))[:, None]
    clips = np.full((4000, 4), 6)
    drawn = counts(generator.binomial(clips, np.broadcast_to(people, clips.shape)), clips)
    assert speaker_columns(drawn)["speaker_spread"] == pytest.approx(truth, rel=0.05, abs=0.02)
    assert (drawn.hits / drawn.clips).mean(axis=1).std() > seen_above * (truth if spread else 1)


def test_speakers_without_all_emotions_are_scored_by_accuracy() -> None:
    clips = np.full((6, 3), 5)
    clips[:4, 0] = 0
    columns = speaker_columns(counts(np.minimum(clips, 2), clips))
    assert columns["speaker_measure"] == "accuracy"
    assert columns["speaker_tenth"] == pytest.approx(0.4)


def test_the_tenth_lies_between_the_lowest_speakers_that_have_enough_clips() -> None:
    hits, clips = np.repeat(np.arange(12), 2).reshape(12, 2), np.full((12, 2), 10)
    clips[11], hits[11] = 1, 0
    assert speaker_columns(counts(hits, clips))["speaker_tenth"] == pytest.approx(0.1)
