import numpy as np
import pytest
from scipy.special import expit

from benchmark.scoring.confusion import SpeakerCounts
from benchmark.scoring.groups.speakers import speaker_spread


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
