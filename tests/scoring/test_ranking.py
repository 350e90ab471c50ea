import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import ttest_rel

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.ranking import holm, pair_p_values, rank_candidates


def simulated(generator: np.random.Generator, skill: NDArray[np.float64], emotions: int, clips: int) -> SpeakerCounts:
    """Counts of a model whose speakers are this easy for it, on the logit scale."""
    size = np.full((len(skill), emotions), clips)
    return SpeakerCounts(hits=generator.binomial(size, expit(skill)[:, None]), clips=size)


def constant(hits: list[int], clips: list[int], speakers: int) -> SpeakerCounts:
    return SpeakerCounts(hits=np.tile(hits, (speakers, 1)), clips=np.tile(clips, (speakers, 1)))


def test_no_candidate_has_no_rank_and_a_single_one_the_first() -> None:
    assert rank_candidates([]) == ()
    assert rank_candidates([constant([3, 1], [4, 4], 3)]) == (1,)


def test_identical_answers_and_equal_scores_from_different_speakers_differ_with_p_1() -> None:
    clips = np.full((4, 1), 4)
    up, down = (SpeakerCounts(hits=np.array(hits)[:, None], clips=clips) for hits in ([1, 2, 3, 4], [4, 3, 2, 1]))
    assert pair_p_values([up, up, down]).tolist() == [1.0] * 3
    assert rank_candidates([up, up, down]) == (1, 1, 1)


def test_with_equal_clips_everywhere_p_is_that_of_the_paired_t_test_over_speakers() -> None:
    generator = np.random.default_rng(1)
    models = [simulated(generator, generator.normal(size=8), 4, 6) for _ in range(3)]
    expected = [
        ttest_rel(models[first].hits.mean(axis=1), models[second].hits.mean(axis=1)).pvalue
        for first, second in [(0, 1), (0, 2), (1, 2)]
    ]
    np.testing.assert_allclose(pair_p_values(models), expected, rtol=1e-9)


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


def test_ranks_count_the_candidates_that_are_significantly_better() -> None:
    generator = np.random.default_rng(3)
    speakers = 0.3 * generator.normal(size=12)
    best, twin = (simulated(generator, speakers + 2.0, 5, 8) for _ in range(2))
    middle = simulated(generator, speakers + 0.5, 5, 8)
    worst = simulated(generator, speakers - 1.5, 5, 8)
    assert rank_candidates([worst, best, middle, twin]) == (4, 1, 3, 1)


def test_a_perfect_model_beats_a_constant_one_though_leaving_out_speakers_changes_nothing() -> None:
    perfect, same_always = constant([4, 4, 4], [4, 4, 4], 8), constant([4, 0, 0], [4, 4, 4], 8)
    p_value = pair_p_values([perfect, same_always])[0]
    assert 0 < p_value < 1e-4
    assert rank_candidates([same_always, perfect]) == (2, 1)


def test_three_speakers_with_a_clip_or_two_tell_nothing_even_where_nothing_varies() -> None:
    perfect, same_always = constant([1, 1], [1, 1], 3), constant([1, 0], [1, 1], 3)
    assert pair_p_values([perfect, same_always])[0] > 0.05
    assert rank_candidates([perfect, same_always]) == (1, 1)
