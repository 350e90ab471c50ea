"""Joining shards: whose answer counts, and what makes the whole incomplete."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.errors import RequestError
from benchmark.evaluation.joining import join_shards
from benchmark.results.inference_record import InferenceRecord, ParityCheck
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import EvaluationRecord
from benchmark.results.shards import ClipRange, ShardRecord, StoredShard
from tests.support.finished_runs import FinishedRun, answers, corpus, setup_of, verification

GOOD, CORPUS = verification("good"), corpus(speakers=2)
HASHES = sorted(clip.clip_hash or "" for clip in CORPUS.clips)
SETUP = setup_of(GOOD)
EXACT = SETUP.model_copy(update={"batch": 7})
HALF = len(HASHES) // 2


def shard(
    folder: Path, index: int, *, setup: InferenceSetup = SETUP, redone_below: float = 4e-6, **fields: Any
) -> StoredShard:
    """One of two shards with half of the answers each, in a cache of its own, which has wrong ones to the others."""
    own, cache = HASHES[:HALF] if index == 1 else HASHES[HALF:], folder / f"cache-{index}"
    predictions = answers(GOOD, CORPUS, wrong=0.2, seed=0)
    stale = answers(GOOD, CORPUS, wrong=0.9, seed=index)
    PredictionStore(cache).add(setup, stale)
    PredictionStore(cache).add(setup, [answer for answer in predictions if answer.clip_hash in own])
    inference = InferenceRecord(
        candidate="good", asked="auto", backend="torch", dtype="float32", checked_clips=32,
        largest_difference=redone_below / 4, redone_below=redone_below, redone_clips=index,
    )  # fmt: skip
    evaluation = EvaluationRecord(candidate="good", corpus="acted", setup=setup, inference=inference)
    run = FinishedRun(cache, CORPUS)
    run.verifications.append(GOOD)
    record = run.record(evaluations=(evaluation.model_copy(update=fields),))
    return StoredShard(
        ShardRecord(index=index, count=2, corpora="", ranges={"good": ClipRange.of(own)}, run=record), cache
    )


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., StoredShard]:
    """Give a function that makes a shard."""
    return lambda index, **fields: shard(tmp_path, index, **fields)


def test_the_answers_of_the_shard_that_computed_them_count(make: Callable[..., StoredShard], tmp_path: Path) -> None:
    target = tmp_path / "merged"
    PredictionStore(target).add(SETUP, answers(GOOD, CORPUS, wrong=0.9, seed=5))
    for _ in range(2):  # to join again changes nothing
        record = join_shards([make(1), make(2)], target)
        assert record.complete
        stored = PredictionStore(target).read(SETUP)
        for expected in answers(GOOD, CORPUS, wrong=0.2, seed=0):
            assert np.array_equal(stored[expected.clip_hash].logits, expected.logits)  # type: ignore[arg-type]
    (inference,) = [evaluation.inference for evaluation in record.evaluations]
    assert inference is not None
    assert (inference.redone_clips, inference.redone_below) == (3, 4e-6)


def test_a_cache_that_shards_have_shared_can_be_the_target(make: Callable[..., StoredShard]) -> None:
    first, second = make(1), make(2)
    assert join_shards([first, second], first.cache).complete
    stored = PredictionStore(first.cache).read(SETUP)
    for expected in answers(GOOD, CORPUS, wrong=0.2, seed=0):
        assert np.array_equal(stored[expected.clip_hash].logits, expected.logits)  # type: ignore[arg-type]


def test_a_candidate_of_two_engines_is_refused_in_a_sentence(make: Callable[..., StoredShard], tmp_path: Path) -> None:
    other = make(2, setup=SETUP.model_copy(update={"backend": "openvino"}))
    with pytest.raises(RequestError, match=r"in shards 1 and 2 \(torch float32 on cpu and openvino float32 on cpu\)"):
        join_shards([make(1), other], tmp_path / "merged")


def test_a_failure_names_its_shard(make: Callable[..., StoredShard], tmp_path: Path) -> None:
    record = join_shards([make(1), make(2, failure="Its worker ended.")], tmp_path / "merged")
    assert record.evaluations[0].failure == "In shard 2: Its worker ended."
    assert not record.complete


def test_answers_that_are_close_only_by_the_margin_of_another_shard_are_not_final(
    make: Callable[..., StoredShard], tmp_path: Path
) -> None:
    target = tmp_path / "merged"
    margin = 0.99
    record = join_shards([make(1), make(2, redone_below=margin)], target)
    failure = record.evaluations[0].failure or ""
    assert "run it without --shard on this cache, which computes only those" in failure
    stored = PredictionStore(target).read(SETUP)
    exact = [stored[clip_hash] for clip_hash in HASHES[:HALF]]
    first = make(1)
    PredictionStore(first.cache).add(EXACT, exact)  # they have been run again by the reference
    assert join_shards([first, make(2, redone_below=margin)], tmp_path / "settled").complete


def test_a_clip_that_one_shard_could_not_read_any_more_is_left_out_for_all(
    make: Callable[..., StoredShard], tmp_path: Path
) -> None:
    second = make(2)
    (lost,) = [clip for clip in second.record.run.corpora[0].clips if clip.clip_hash == HASHES[-1]]
    clips = tuple(
        type(clip)(clip=clip.clip, clip_hash=None, duration_s=None, failure="It is gone.") if clip is lost else clip
        for clip in second.record.run.corpora[0].clips
    )
    changed = CORPUS.model_copy(update={"clips": clips})
    run = second.record.run.model_copy(update={"corpora": (changed,)})
    record = join_shards(
        [make(1), StoredShard(second.record.model_copy(update={"run": run}), second.cache)], tmp_path / "merged"
    )
    assert [clip.clip for clip in record.corpora[0].clips if clip.failure] == [lost.clip]


def test_the_largest_difference_of_all_shards_is_kept_for_later_runs(
    make: Callable[..., StoredShard], tmp_path: Path
) -> None:
    shards = [make(1), make(2)]
    for own, difference in zip(shards, (1e-4, 1e-6), strict=True):
        check = ParityCheck(
            setup=SETUP.key, model="m", clips=("a",), compared=1, largest_difference=difference, allowed=1e-3
        )
        check.save(own.cache, SETUP)
    join_shards(shards, tmp_path / "merged")
    kept = ParityCheck.load(tmp_path / "merged", SETUP)
    assert kept is not None
    assert kept.largest_difference == 1e-4


def prediction(clip_hash: str) -> Prediction:
    return Prediction(
        clip_hash=clip_hash, logits=np.zeros(len(GOOD.labels), dtype=np.float32), windows=1, failure=None, seconds=0.5
    )


def test_answers_outside_of_the_range_are_not_copied(make: Callable[..., StoredShard], tmp_path: Path) -> None:
    second = make(2)
    PredictionStore(second.cache).add(SETUP, [prediction("~not of this run")])
    join_shards([make(1), second], tmp_path / "merged")
    assert sorted(PredictionStore(tmp_path / "merged").read(SETUP)) == HASHES
