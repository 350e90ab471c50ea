from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import t

from benchmark.scoring.paired import answers_by_pairing, paired_scores

EMOTIONS = ("anger", "fear", "joy")


def answered(seed: int, right: float, *, speakers: int = 6, repeats: int = 5) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "clip_hash": f"{speaker}/{emotion}/{repeat}",
            "emotion": emotion,
            "speaker": f"s{speaker}",
            "predicted": emotion if generator.random() < right else str(generator.choice([*EMOTIONS, "calm"])),
        }
        for speaker in range(speakers)
        for emotion in EMOTIONS
        for repeat in range(repeats)
    )


def uar(rows: pd.DataFrame) -> float:
    return float((rows["predicted"] == rows["emotion"]).groupby(rows["emotion"]).mean().mean())


def accuracy(rows: pd.DataFrame) -> float:
    return float((rows["predicted"] == rows["emotion"]).mean())


@pytest.mark.parametrize("score", [uar, accuracy])
def test_the_difference_and_its_interval_are_those_of_leaving_out_speakers_in_turn(
    score: Callable[[pd.DataFrame], float],
) -> None:
    old, new = answered(1, 0.5), answered(101, 0.8)
    change = paired_scores(old, new).changes[score.__name__]
    whole = score(new) - score(old)
    assert change.difference == pytest.approx(whole, abs=1e-12)
    speakers = new["speaker"].unique()
    left_out = [score(new[new["speaker"] != name]) - score(old[old["speaker"] != name]) for name in speakers]
    error = np.sqrt(5 / 6 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    reach = t.ppf(0.975, 5) * error
    assert (change.low, change.high) == pytest.approx((whole - reach, min(whole + reach, 1.0)))


def test_only_clips_of_both_runs_count_and_the_new_labels_are_the_truth() -> None:
    old = answered(1, 1.0)
    corrected = old.assign(emotion=old["emotion"].replace("anger", "fear"))
    scores = paired_scores(old[10:], corrected[:-10])
    assert scores.clips == len(old) - 20
    assert scores.relabelled == int((old["emotion"][10:-10] == "anger").sum())
    change = scores.changes["uar"]
    assert (change.difference, change.low, change.high) == (0.0, 0.0, 0.0)


def test_a_recording_that_occurs_twice_is_paired_twice_and_never_across() -> None:
    emotions = ["anger", "fear"]
    twice = pd.DataFrame({"clip_hash": "a", "emotion": emotions, "speaker": "s", "predicted": emotions})
    scores = paired_scores(twice, twice[:1])
    assert (scores.clips, scores.relabelled) == (1, 0)
    assert paired_scores(twice, twice).clips == 2


def test_predictions_that_a_notebook_has_rewritten_with_categories_are_paired_as_texts() -> None:
    rows = answered(1, 0.8).assign(candidate="a", corpus="b", clip=lambda rows: rows["clip_hash"])
    ((old,), (new,)) = (
        answers_by_pairing(pa.Table.from_pandas(table)).values() for table in (rows, rows[::-1].astype("category"))
    )
    assert paired_scores(old, new) == paired_scores(old, old)


def test_without_common_clips_and_without_labels_there_is_no_difference() -> None:
    old, new = answered(1, 0.5), answered(2, 0.5)
    for rows in (new.assign(clip_hash="other " + new["clip_hash"]), new.assign(emotion=None), new[:0]):
        scores = paired_scores(old, rows)
        assert (scores.clips, scores.changes) == (0, {})


def test_unknown_speakers_and_failed_clips_still_give_an_interval() -> None:
    old, new = answered(1, 0.3).assign(speaker=None), answered(2, 0.9).assign(speaker=None)
    new.loc[0, "predicted"] = None
    change = paired_scores(old, new).changes["uar"]
    assert 0 < (change.low or 0) < (change.difference or 0) < (change.high or 0)
