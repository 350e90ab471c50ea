import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.gaps import GroupCounts, gap_between, speaker_spread
from benchmark.scoring.intervals import leave_one_out_uar, logit_interval


def group(hits: list[list[int]], clips: int = 10, first: int = 0) -> GroupCounts:
    counted = np.array(hits, dtype=np.int64)
    return GroupCounts(
        counts=SpeakerCounts(hits=counted, clips=np.full_like(counted, clips)),
        speakers=np.arange(first, first + len(hits), dtype=np.int64),
    )


def test_the_interval_of_a_group_is_that_of_a_corpus_with_its_speakers() -> None:
    one = group([[5, 6], [7, 3], [2, 8]])
    left_out = leave_one_out_uar(one.counts.hits, one.counts.clips)
    error = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    assert one.interval == logit_interval(one.counts.uar, float(error), 3)


def test_between_different_speakers_the_gap_has_the_interval_of_welch() -> None:
    # Every speaker has as many clips of each emotion, so that UAR is the mean over speakers and the jackknife exact.
    one, other = [[9, 9], [6, 6], [9, 3]], [[1, 1], [4, 4], [4, 8], [3, 1]]
    gap = gap_between([group(one), group(other, first=3)])
    first, second = (np.mean(each, axis=1) / 10 for each in (one, other))
    variances = first.var(ddof=1) / 3, second.var(ddof=1) / 4
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 3)
    reach = t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert gap.size == pytest.approx(first.mean() - second.mean())
    assert (gap.low, gap.high) == pytest.approx((max(0, gap.size - reach), min(1, gap.size + reach)))
    assert (gap.best, gap.worst) == (0, 1)


def test_what_the_same_speakers_share_cancels() -> None:
    one, other = [[10, 8], [6, 4], [3, 1]], [[8, 6], [5, 2], [2, 0]]
    gap = gap_between([group(one), group(other)])
    differences = (np.mean(one, axis=1) - np.mean(other, axis=1)) / 10
    by_speakers = t.ppf(0.975, 2) * differences.std(ddof=1) / np.sqrt(3)
    recalls = [np.sum(each, axis=0) / 30 for each in (one, other)]
    by_clips = 1.959964 * np.sqrt(sum((r * (1 - r) / 30).sum() / 4 for r in recalls))
    assert gap.low == pytest.approx(max(0.0, gap.size - max(by_speakers, by_clips)), abs=1e-6)


def test_an_interval_is_never_narrower_than_that_of_independent_clips() -> None:
    same = [[5, 5], [5, 6], [6, 5]]
    more = [[7, 7], [7, 8], [8, 7]]  # two more of each: the speakers differ not at all in this
    gap = gap_between([group(same), group(more)])
    assert gap.size == pytest.approx(0.2)
    assert gap.high - gap.size > 0.1


def test_groups_without_errors_have_no_gap_and_no_certainty() -> None:
    perfect = [[10, 10]] * 3
    gap = gap_between([group(perfect), group(perfect, first=3)])
    assert (gap.size, gap.low) == (0.0, 0.0)
    assert 0.03 < gap.high < 1


def test_equal_recalls_in_another_order_are_no_gap() -> None:
    # (0.1 + 0.2 + 0.3) / 3 is not (0.3 + 0.2 + 0.1) / 3 in floating point.
    assert gap_between([group([[1, 2, 3]] * 3), group([[3, 2, 1]] * 3, first=3)]).size == 0.0


def test_a_group_that_is_always_right_against_one_that_never_is() -> None:
    gap = gap_between([group([[50, 50]] * 4, 50), group([[0, 0]] * 4, 50, first=4)])
    assert (gap.size, gap.high) == (1.0, 1.0)
    assert 0.8 < gap.low < 1


def test_more_groups_make_it_harder_to_claim_a_gap() -> None:
    generator = np.random.default_rng(0)
    groups = [
        group(generator.binomial(10, share, size=(6, 4)).tolist(), first=6 * place)
        for place, share in enumerate((0.3, 0.7, 0.5, 0.5, 0.5))
    ]
    assert gap_between(groups).low < gap_between([groups[0], groups[1]]).low


def test_the_order_of_groups_does_not_matter() -> None:
    one, other, third = group([[9, 9], [6, 6], [9, 3]]), group([[1, 1], [4, 4], [4, 8]], first=1), group([[5, 5]] * 3)
    gaps = [gap_between(each) for each in ([one, other, third], [third, one, other])]
    assert (gaps[0].size, gaps[0].low, gaps[0].high) == pytest.approx((gaps[1].size, gaps[1].low, gaps[1].high))
    assert (gaps[0].best, gaps[1].best) == (0, 1)


def drawn(generator: np.random.Generator, speakers: int, spread: float, clips: int = 6) -> SpeakerCounts:
    people = expit(0.4 + spread * generator.normal(size=speakers))[:, None]
    sizes = np.full((speakers, 4), clips)
    return SpeakerCounts(hits=generator.binomial(sizes, np.broadcast_to(people, sizes.shape)), clips=sizes)


def test_without_speakers_or_with_four_there_is_nothing_to_say() -> None:
    assert speaker_spread(None) is None
    assert speaker_spread(SpeakerCounts(hits=np.full((4, 2), 5), clips=np.full((4, 2), 10))) is None
    assert speaker_spread(SpeakerCounts(hits=np.zeros((0, 0), int), clips=np.zeros((0, 0), int))) is None


def test_alike_speakers_have_a_spread_of_zero_and_never_less() -> None:
    found = speaker_spread(SpeakerCounts(hits=np.full((6, 2), 5), clips=np.full((6, 2), 10)))
    assert found is not None
    assert (found.measure, found.speakers, found.tenth, found.spread) == ("uar", 6, 0.5, 0.0)


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_chance_is_taken_off_the_spread(spread: float) -> None:
    generator = np.random.default_rng(1)
    truth = expit(0.4 + spread * generator.normal(size=100_000)).std()
    counts = drawn(generator, 4000, spread)
    found = speaker_spread(counts)
    assert found is not None
    assert found.spread == pytest.approx(truth, rel=0.05)
    assert (counts.hits / counts.clips).mean(axis=1).std() > 1.1 * truth  # what is seen is more than what is there


def test_where_speakers_do_not_differ_the_spread_is_small_whatever_chance_makes() -> None:
    counts = drawn(np.random.default_rng(2), 4000, 0.0)
    found = speaker_spread(counts)
    assert found is not None
    assert found.spread < 0.02
    assert (counts.hits / counts.clips).mean(axis=1).std() > 0.09


def test_speakers_without_all_emotions_are_scored_by_accuracy() -> None:
    clips = np.full((6, 3), 5)
    clips[:4, 0] = 0
    found = speaker_spread(SpeakerCounts(hits=np.minimum(clips, 2), clips=clips))
    assert found is not None
    assert (found.measure, found.speakers) == ("accuracy", 6)


def test_speakers_with_few_clips_do_not_count() -> None:
    clips = np.full((7, 2), 10)
    clips[6] = 1
    found = speaker_spread(SpeakerCounts(hits=np.zeros_like(clips), clips=clips))
    assert found is not None
    assert found.speakers == 6


def test_the_tenth_lies_between_the_lowest_speakers() -> None:
    hits = np.array([[place, place] for place in range(11)])
    found = speaker_spread(SpeakerCounts(hits=hits, clips=np.full((11, 2), 10)))
    assert found is not None
    assert found.tenth == pytest.approx(0.1)
