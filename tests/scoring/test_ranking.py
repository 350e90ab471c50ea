import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t, ttest_rel

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.ranking import PairedDifferences, holm, pair_comparisons


def simulated(generator: np.random.Generator, skill: NDArray[np.float64], emotions: int, clips: int) -> SpeakerCounts:
    """Counts of a model whose speakers are this easy for it, on the logit scale."""
    size = np.full((len(skill), emotions), clips)
    return SpeakerCounts(hits=generator.binomial(size, expit(skill)[:, None]), clips=size)


def constant(hits: list[int], clips: list[int], speakers: int) -> SpeakerCounts:
    return SpeakerCounts(hits=np.tile(hits, (speakers, 1)), clips=np.tile(clips, (speakers, 1)))


def ranks(*candidates: SpeakerCounts) -> list[tuple[int, int]]:
    standings = PairedDifferences.of(candidates).standings
    return [(standing.rank, standing.rank_high) for standing in standings]


def test_a_single_candidate_has_the_first_rank_and_choosing_it_costs_nothing() -> None:
    (standing,) = PairedDifferences.of([constant([3, 1], [4, 4], 3)]).standings
    assert (standing.rank, standing.rank_high, standing.may_be_best, standing.regret_high) == (1, 1, True, 0.0)


def test_identical_answers_and_equal_scores_from_different_speakers_differ_with_p_1() -> None:
    clips = np.full((4, 1), 4)
    up, down = (SpeakerCounts(hits=np.array(hits)[:, None], clips=clips) for hits in ([1, 2, 3, 4], [4, 3, 2, 1]))
    assert PairedDifferences.of([up, up, down]).p_values.tolist() == [1.0] * 3
    assert ranks(up, up, down) == [(1, 3)] * 3


def test_with_equal_clips_everywhere_p_is_that_of_the_paired_t_test_over_speakers() -> None:
    generator = np.random.default_rng(1)
    models = [simulated(generator, generator.normal(size=8), 4, 6) for _ in range(3)]
    expected = [
        ttest_rel(models[first].hits.mean(axis=1), models[second].hits.mean(axis=1)).pvalue
        for first, second in [(0, 1), (0, 2), (1, 2)]
    ]
    np.testing.assert_allclose(PairedDifferences.of(models).p_values, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.6], [1.0, 1.0]),
    ],
)
def test_holm_on_known_cases(p_values: list[float], adjusted: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p_values, dtype=np.float64)), adjusted)


@pytest.fixture
def four() -> list[SpeakerCounts]:
    """The worst, the best, one in the middle, and one as good as the best."""
    generator = np.random.default_rng(3)
    speakers = 0.3 * generator.normal(size=12)
    best, twin = (simulated(generator, speakers + 2.0, 5, 8) for _ in range(2))
    middle = simulated(generator, speakers + 0.5, 5, 8)
    worst = simulated(generator, speakers - 1.5, 5, 8)
    return [worst, best, middle, twin]


def test_a_range_of_ranks_counts_the_candidates_that_are_significantly_better_and_worse(
    four: list[SpeakerCounts],
) -> None:
    assert ranks(*four) == [(4, 4), (1, 2), (3, 3), (1, 2)]


def test_only_what_is_not_shown_to_be_worse_than_the_top_may_be_the_best(four: list[SpeakerCounts]) -> None:
    assert PairedDifferences.of(four).may_be_best.tolist() == [False, True, False, True]


def test_who_stands_above_a_member_is_a_member_though_it_is_measured_precisely() -> None:
    # The second is lower than the first for every speaker alike; the third is lower for some and higher for others.
    clips = np.full((8, 1), 100)
    hits = [[80] * 8, [77, 76, 77, 76, 77, 76, 77, 76], [100, 50, 100, 50, 100, 52, 100, 52]]
    counts = [SpeakerCounts(hits=np.array(own)[:, None], clips=clips) for own in hits]
    assert PairedDifferences.of(counts[:2]).may_be_best.tolist() == [True, False]
    assert PairedDifferences.of(counts).may_be_best.tolist() == [True, True, True]


def test_the_bound_of_the_cost_is_that_of_the_strongest_rival_with_the_quantile_for_all(
    four: list[SpeakerCounts],
) -> None:
    paired = PairedDifferences.of(four)
    reach = t.isf(0.05 / 3, 11) * paired.errors
    top = int(paired.scores.argmax())
    for index, bound in enumerate(paired.regret_bounds):
        rivals = [paired.scores[other] - paired.scores[index] + reach[other, index] for other in range(4)]
        rivals.pop(index)
        assert bound == pytest.approx(max(0.0, *rivals))
    assert paired.regret_bounds.argmin() == top


def test_pairs_stand_in_the_order_of_uar_with_their_interval_and_both_p_values(four: list[SpeakerCounts]) -> None:
    paired = PairedDifferences.of(four)
    pairs = pair_comparisons("acted", ["worst", "best", "middle", "twin"], paired)
    first, second = ("best", "twin") if four[1].uar > four[3].uar else ("twin", "best")
    assert [(pair.candidate, pair.other) for pair in pairs] == [
        (first, second), (first, "middle"), (first, "worst"),
        (second, "middle"), (second, "worst"), ("middle", "worst"),
    ]  # fmt: skip
    speaker_differences = (four[1].hits - four[2].hits).mean(axis=1) / 8
    expected = ttest_rel(speaker_differences, np.zeros(12)).confidence_interval()
    pair = next(pair for pair in pairs if (pair.candidate, pair.other) == ("best", "middle"))
    assert (pair.uar_difference_low, pair.uar_difference_high) == pytest.approx(tuple(expected))
    assert pair.uar_difference == pytest.approx(four[1].uar - four[2].uar)
    assert pair.p < pair.p_adjusted < 0.05


def test_a_perfect_model_beats_a_constant_one_though_leaving_out_speakers_changes_nothing() -> None:
    perfect, same_always = constant([4, 4, 4], [4, 4, 4], 8), constant([4, 0, 0], [4, 4, 4], 8)
    assert 0 < PairedDifferences.of([perfect, same_always]).p_values[0] < 1e-4
    assert ranks(same_always, perfect) == [(2, 2), (1, 1)]


def test_three_speakers_with_a_clip_or_two_tell_nothing_even_where_nothing_varies() -> None:
    perfect, same_always = constant([1, 1], [1, 1], 3), constant([1, 0], [1, 1], 3)
    assert PairedDifferences.of([perfect, same_always]).p_values[0] > 0.05
    assert ranks(perfect, same_always) == [(1, 2), (1, 2)]
