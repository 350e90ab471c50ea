import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.gaps import Gap, GroupedCounts, gaps_between, speaker_columns
from benchmark.scoring.intervals import leave_one_out_uar, logit_interval
from scripts.simulate_groups import Board, draw_board

Table = list[list[int]]


def column(*groups: Table, clips: int = 10, first: tuple[int, ...] | None = None) -> GroupedCounts:
    """One candidate: for each group the hits by speaker and emotion, and the number of its first speaker."""
    starts = first or tuple(np.cumsum([0, *(len(hits) for hits in groups[:-1])]).tolist())
    hits = np.array([row for group in groups for row in group], dtype=np.int64)
    return GroupedCounts(
        names=tuple(f"from {start}" for start in starts),
        group=np.repeat(np.arange(len(groups)), [len(group) for group in groups]),
        speaker=np.concatenate([start + np.arange(len(hits)) for start, hits in zip(starts, groups, strict=True)]),
        clips=np.full_like(hits, clips),
        hits=hits[None],
    )


def gap_of(*columns: GroupedCounts) -> Gap:
    """The gap of the first candidate in the first column."""
    return gaps_between(columns, 199)[0][0]


def test_the_interval_of_a_group_is_that_of_a_corpus_with_its_speakers() -> None:
    part = column([[5, 6], [7, 3], [2, 8]], [[1, 1]] * 3)
    counts = part.counts(0, 0)
    left_out = leave_one_out_uar(counts.hits, counts.clips)
    error = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    assert part.interval(0, 0) == logit_interval(counts.uar, float(error), 2)


def test_between_different_speakers_the_gap_has_the_upper_end_of_welch() -> None:
    # Every speaker has as many clips of each emotion, so that UAR is the mean over speakers.
    one, other = [[9, 9], [6, 6], [9, 3]], [[1, 1], [4, 4], [4, 8], [3, 1]]
    gap = gap_of(column(one, other))
    first, second = (np.mean(hits, axis=1) / 10 for hits in (one, other))
    variances = first.var(ddof=1) / 3, second.var(ddof=1) / 4
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 3)
    reach = t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert gap.gap == pytest.approx(first.mean() - second.mean())
    assert gap.gap_high == pytest.approx(min(1, gap.gap + reach))
    assert (gap.best, gap.worst) == ("from 0", "from 3")


def test_common_effects_of_the_same_speakers_cancel() -> None:
    generator = np.random.default_rng(0)
    people = np.linspace(2, 8, 12)[:, None]
    one = generator.binomial(10, people / 10 + 0.05, size=(12, 4)).tolist()
    other = generator.binomial(10, people / 10 - 0.05, size=(12, 4)).tolist()
    same, different = gap_of(column(one, other, first=(0, 0))), gap_of(column(one, other))
    assert same.gap == different.gap
    assert same.gap_p < 0.05 < different.gap_p
    assert same.gap_high < different.gap_high


def test_an_interval_is_never_narrower_than_that_of_independent_clips() -> None:
    more = [[7, 7], [7, 8], [8, 7]]  # two more of each: the speakers do not differ at all in this
    gap = gap_of(column([[5, 5], [5, 6], [6, 5]], more, first=(0, 0)))
    assert gap.gap == pytest.approx(0.2)
    assert gap.gap_high - gap.gap > 0.1


def test_groups_without_errors_have_no_gap_and_no_certainty() -> None:
    perfect = [[10, 10]] * 3
    gap = gap_of(column(perfect, perfect))
    assert (gap.gap, gap.gap_low, gap.gap_p) == (0.0, 0.0, 1.0)
    assert 0.03 < gap.gap_high < 1
    # (0.1 + 0.2 + 0.3) / 3 is not (0.3 + 0.2 + 0.1) / 3 in floating point.
    assert gap_of(column([[1, 2, 3]] * 3, [[3, 2, 1]] * 3)).gap == 0.0


def test_a_group_that_is_always_right_against_one_that_never_is() -> None:
    gap = gap_of(column([[50, 50]] * 4, [[0, 0]] * 4, clips=50))
    assert (gap.gap, gap.gap_high) == (1.0, 1.0)
    assert 0.8 < gap.gap_low < 1
    assert gap.gap_p < 0.05


@pytest.mark.parametrize("first", [(0, 3), (0, 0)], ids=["different speakers", "the same speakers"])
def test_three_speakers_in_each_group_cannot_show_a_gap(first: tuple[int, int]) -> None:
    gap = gap_of(column([[50, 50]] * 3, [[0, 0]] * 3, clips=50, first=first))
    assert (gap.gap, gap.gap_low) == (1.0, 0.0)
    assert gap.gap_p >= 0.1, "every tenth, or fourth, permutation is as clear"


def test_more_groups_make_it_harder_to_claim_a_gap() -> None:
    generator = np.random.default_rng(0)
    groups = [generator.binomial(10, share, size=(6, 4)).tolist() for share in (0.3, 0.7, 0.5, 0.5, 0.5)]
    assert gap_of(column(*groups)).gap_low < gap_of(column(*groups[:2])).gap_low


def test_the_order_of_groups_does_not_matter() -> None:
    groups, first = ([[9, 9], [6, 6], [9, 3]], [[1, 1], [4, 4], [4, 8]], [[5, 5]] * 3), (0, 1, 2)
    gap = gap_of(column(*groups, first=first))
    other = gap_of(column(groups[2], *groups[:2], first=(2, 0, 1)))
    assert (gap.gap, gap.gap_high) == pytest.approx((other.gap, other.gap_high))
    assert (gap.best, gap.worst) == (other.best, other.worst) == ("from 0", "from 1")


def test_gaps_of_many_candidates_and_columns_are_rarely_claimed_where_there_is_none() -> None:
    """4 against 20 speakers, 8 candidates, 3 columns: in 1,000 draws about 5 %; each gap by itself, 75 %."""
    generator = np.random.default_rng(0)
    boards = [gaps_between(draw_board(generator, Board(sizes=(4, 20))), 59) for _ in range(60)]
    claimed = [any(gap.gap_low > 0 for column in board for gap in column) for board in boards]
    assert sum(claimed) <= 7
    for board in boards:
        for gap in (gap for column in board for gap in column):
            assert (gap.gap_low > 0) <= (gap.gap_p <= 0.05)


def test_a_second_candidate_and_a_second_column_make_a_gap_less_sure() -> None:
    generator = np.random.default_rng(4)
    hits = generator.binomial(10, np.repeat([0.4, 0.6], 8)[:, None], size=(5, 16, 4))
    group, speaker = np.repeat([0, 1], 8), np.arange(16)
    alone, five = (
        GroupedCounts(names=("a", "b"), group=group, speaker=speaker, clips=np.full((16, 4), 10), hits=part)
        for part in (hits[:1], hits)
    )
    halves = GroupedCounts(names=("c", "d"), group=speaker % 2, speaker=speaker, clips=five.clips, hits=hits[:1])
    assert gap_of(alone).gap_p <= gap_of(five).gap_p
    assert gap_of(alone).gap_p <= gap_of(alone, halves).gap_p
    assert gap_of(alone).gap_low >= gap_of(alone, halves).gap_low > 0


def test_a_permuted_group_without_an_emotion_is_scored_on_the_others() -> None:
    clips = np.array([[10, 10]] * 3 + [[10, 0]] * 3 + [[10, 10]] * 6)
    part = GroupedCounts(
        names=("a", "b"), group=np.repeat([0, 1], 6), speaker=np.arange(12), clips=clips, hits=clips[None] // 2
    )
    gap = gap_of(part)
    assert (gap.gap, gap.gap_p) == (0.0, 1.0)


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
