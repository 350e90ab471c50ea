"""Shards of a run: every clip of every candidate in one of them, and about the same cost in each."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.corpora.audio_sources import AudioFile
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.shards import Shard
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Verification

CLIPS = 200


def subject(name: str, parameters: int) -> Subject:
    verification = Verification(candidate=name, id=name, status=Status.USABLE, reason="", parameters=parameters)
    return Subject(Candidate(id=name, name=name), verification, Path())


def clip_set(seconds: list[float]) -> ClipSet:
    """Clips of these lengths, the longest first, as a run has them."""
    durations = {f"{index * 7919 % 100_003:06x}": length for index, length in enumerate(seconds)}
    ordered = sorted(durations, key=lambda name: -durations[name])
    audio = {name: AudioFile(Path(name)) for name in ordered}
    return ClipSet(dict(audio), {name: durations[name] for name in ordered})


@pytest.fixture
def subjects() -> list[Subject]:
    return [subject("small", 142_000), subject("base", 94_000_000), subject("large", 316_000_000)]


@pytest.fixture
def clips(subjects: list[Subject]) -> dict[str, ClipSet]:
    lengths = np.random.default_rng(3).gamma(2.0, 2.0, CLIPS).tolist()
    return {own.name: clip_set(lengths) for own in subjects}


@pytest.mark.parametrize("count", [1, 2, 7, 20, 900])
def test_every_clip_of_every_candidate_is_in_one_shard(
    subjects: list[Subject], clips: dict[str, ClipSet], count: int
) -> None:
    shards = [Shard(index, count).own_clips(subjects, clips) for index in range(1, count + 1)]
    for name, whole in clips.items():
        computed = [clip_hash for own in shards if name in own for clip_hash in own[name].audio]
        assert sorted(computed) == sorted(whole.audio)
    assert sum(map(len, shards)) <= min(len(subjects) + count - 1, len(subjects) * CLIPS)


def test_shards_cost_alike_and_run_few_candidates(subjects: list[Subject], clips: dict[str, ClipSet]) -> None:
    shards = [Shard(index, 20).own_clips(subjects, clips) for index in range(1, 21)]
    costs = [
        sum(
            (own.verification.parameters or 0) * sum(shard[own.name].durations.values())
            for own in subjects
            if own.name in shard
        )
        for shard in shards
    ]
    assert max(costs) < 1.5 * min(costs)  # each call of the small one has a cost of its own
    assert max(map(len, shards)) == 2


def test_a_shard_keeps_the_order_of_clips_and_does_not_depend_on_that_of_files(
    subjects: list[Subject], clips: dict[str, ClipSet]
) -> None:
    turned = {name: ClipSet(dict(reversed(own.audio.items())), own.durations) for name, own in clips.items()}
    own, other = (Shard(2, 5).own_clips(subjects, order) for order in (clips, turned))
    assert {name: set(part.audio) for name, part in own.items()} == {
        name: set(part.audio) for name, part in other.items()
    }
    lengths = [list(part.durations.values()) for part in own.values()]
    assert lengths == [sorted(part, reverse=True) for part in lengths]


def test_a_candidate_without_clips_is_run_by_the_first_shard(subjects: list[Subject]) -> None:
    nothing = {own.name: clip_set([]) for own in subjects}
    assert set(Shard(1, 3).own_clips(subjects, nothing)) == {"small", "base", "large"}
    assert Shard(2, 3).own_clips(subjects, nothing) == {}


@pytest.mark.parametrize("text", [None, "", "3", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1.0/2", "١/٢"])
def test_what_is_no_shard_is_refused(text: str | None) -> None:
    with pytest.raises(RequestError, match="write I/N"):
        Shard.parse(text)
