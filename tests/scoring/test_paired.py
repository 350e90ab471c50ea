"""Paired differences against UAR and jackknife written out clip by clip."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t

from benchmark.scoring.paired import paired_scores

EMOTIONS = ("anger", "fear", "joy")


Row = dict[str, str | None]


def table(rows: list[Row]) -> pa.Table:
    names = ("clip_hash", "emotion", "speaker", "predicted")
    return pa.table({name: pa.array([row[name] for row in rows], type=pa.string()) for name in names})


def answered(seed: int, right: float, *, speakers: int = 6, repeats: int = 5) -> list[Row]:
    generator = np.random.default_rng(seed)
    return [
        {
            "clip_hash": f"{speaker}/{emotion}/{repeat}",
            "emotion": emotion,
            "speaker": f"s{speaker}",
            "predicted": emotion if generator.random() < right else str(generator.choice([*EMOTIONS, "calm"])),
        }
        for speaker in range(speakers)
        for emotion in EMOTIONS
        for repeat in range(repeats)
    ]


def plain_uar(rows: list[Row], truth: dict[str | None, str | None]) -> float:
    recalls = []
    for emotion in EMOTIONS:
        own = [row for row in rows if truth[row["clip_hash"]] == emotion]
        recalls.append(sum(row["predicted"] == emotion for row in own) / len(own))
    return float(np.mean(recalls))


@pytest.mark.parametrize("seed", range(6))
def test_the_difference_and_its_interval_are_those_of_leaving_out_speakers_one_by_one(seed: int) -> None:
    old, new = answered(seed, 0.5), answered(seed + 100, 0.8)
    truth = {row["clip_hash"]: row["emotion"] for row in new}
    found = paired_scores(table(old), table(new)).uar
    assert found is not None
    whole = plain_uar(new, truth) - plain_uar(old, truth)
    assert found.difference == pytest.approx(whole, abs=1e-12)
    speakers = sorted({str(row["speaker"]) for row in new})
    left_out = []
    for speaker in speakers:
        kept = [[row for row in rows if row["speaker"] != speaker] for rows in (new, old)]
        left_out.append(plain_uar(kept[0], truth) - plain_uar(kept[1], truth))
    count = len(speakers)
    error = np.sqrt((count - 1) / count * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    reach = t.ppf(0.975, count - 1) * error
    assert found.low == pytest.approx(whole - reach)
    assert found.high == pytest.approx(min(whole + reach, 1.0))


def test_only_clips_of_both_runs_count_and_the_new_labels_are_what_is_right() -> None:
    old, new = answered(1, 1.0), answered(1, 1.0)
    corrected: list[Row] = [{**row, "emotion": "fear" if row["emotion"] == "anger" else row["emotion"]} for row in new]
    scores = paired_scores(table(old[10:]), table(corrected[:-10]))
    assert scores.clips == len(new) - 20
    assert scores.relabelled == sum(row["emotion"] == "anger" for row in new[10:-10])
    assert scores.uar is not None
    assert (scores.uar.difference, scores.uar.low, scores.uar.high) == (0.0, 0.0, 0.0)


def test_a_recording_that_occurs_twice_is_paired_twice_and_never_across() -> None:
    twice: list[Row] = [
        {"clip_hash": "a", "emotion": emotion, "speaker": "s", "predicted": emotion} for emotion in ("anger", "fear")
    ]
    scores = paired_scores(table(twice), table(twice[:1]))
    assert (scores.clips, scores.relabelled) == (1, 0)
    assert paired_scores(table(twice), table(twice)).clips == 2


def test_accuracy_is_paired_as_uar_is() -> None:
    old, new = answered(3, 0.4), answered(4, 0.7)
    found = paired_scores(table(old), table(new)).accuracy
    assert found is not None
    right = [sum(row["predicted"] == row["emotion"] for row in rows) / len(rows) for rows in (old, new)]
    assert found.difference == pytest.approx(right[1] - right[0])
    assert found.low < found.difference < found.high


def test_without_common_clips_and_without_labels_there_is_no_difference() -> None:
    old, new = answered(1, 0.5), answered(2, 0.5)
    elsewhere: list[Row] = [{**row, "clip_hash": f"other {row['clip_hash']}"} for row in new]
    unlabelled: list[Row] = [{**row, "emotion": None} for row in new]
    for rows in (elsewhere, unlabelled, []):
        scores = paired_scores(table(old), table(rows))
        assert (scores.clips, scores.uar, scores.accuracy) == (0, None, None)


def test_unknown_speakers_and_failed_clips_still_give_an_interval() -> None:
    old: list[Row] = [{**row, "speaker": None} for row in answered(1, 0.3)]
    new: list[Row] = [{**row, "speaker": None} for row in answered(2, 0.9)]
    new[0] = {**new[0], "predicted": None}
    found = paired_scores(table(old), table(new)).uar
    assert found is not None
    assert 0 < found.low < found.difference < found.high
