import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from benchmark.scoring.association import TIED_FROM, association, bias_corrected_cramers_v


def second_implementation(first: list[str], second: list[str]) -> float:
    """Compute the same from pandas' cross table and scipy's χ², in the way of Bergsma's paper."""
    table = pd.crosstab(pd.Series(first), pd.Series(second)).to_numpy()
    n, (r, k) = table.sum(), table.shape
    phi2 = chi2_contingency(table, correction=False).statistic / n
    phi2 = max(0, phi2 - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / min(rows - 1, columns - 1)))


def drawn(random: np.random.Generator, clips: int, tie: float) -> tuple[list[str], list[str]]:
    labels = random.integers(0, 6, clips)
    texts: NDArray[np.int64] = np.where(random.random(clips) < tie, labels, random.integers(0, 9, clips))
    return [f"t{text}" for text in texts], [f"l{label}" for label in labels]


@pytest.mark.parametrize("tie", [0.0, 0.1, 0.4, 0.8])
@pytest.mark.parametrize("clips", [40, 200, 2000])
def test_it_agrees_with_a_second_implementation(tie: float, clips: int) -> None:
    for seed in range(5):
        texts, labels = drawn(np.random.default_rng(seed), clips, tie)
        assert bias_corrected_cramers_v(texts, labels) == pytest.approx(second_implementation(texts, labels), abs=1e-12)


@pytest.mark.parametrize("side", [[], ["a"], ["a"] * 50])
def test_one_value_cannot_be_tied_to_anything(side: list[str]) -> None:
    assert math.isnan(bias_corrected_cramers_v(side, ["x", "y"] * (len(side) // 2) + ["x"] * (len(side) % 2)))


def test_two_clips_say_nothing() -> None:
    assert bias_corrected_cramers_v(["a", "b"], ["x", "y"]) == 0.0


def test_texts_that_are_all_different_are_not_tied_to_anything() -> None:
    labels = ["anger", "fear", "joy"] * 40
    often, rare = [f"t{clip % 4}" for clip in range(120)], [str(clip) for clip in range(120)]
    assert association(often + rare, labels * 2) == pytest.approx(association(often, labels))


def test_clips_without_a_label_or_a_speaker_are_left_out() -> None:
    texts, labels = drawn(np.random.default_rng(1), 100, 0.5)
    assert association([*texts, None, "t1"], [*labels, "l1", None]) == pytest.approx(association(texts, labels))


def test_random_speakers_are_rarely_called_tied_and_half_tied_ones_always() -> None:
    free = [association(*drawn(np.random.default_rng(seed), 120, 0.0)) for seed in range(200)]
    tied = [association(*drawn(np.random.default_rng(seed), 120, 0.6)) for seed in range(200)]
    assert np.mean([value >= TIED_FROM for value in free]) <= 0.05
    assert np.mean([value >= TIED_FROM for value in tied]) >= 0.95


def test_ravdess_says_each_text_and_each_speaker_with_each_emotion(shared: Path) -> None:
    table = pd.read_csv(shared / "corpora" / "ravdess" / "metadata.csv", dtype=str)
    for column in ("speaker", "text_id"):
        assert association(list(table[column]), list(table["emotion"])) < 0.05
