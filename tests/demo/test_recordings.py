import numpy as np

from benchmark.demo.corpus import SPEAKER_SEEDS
from benchmark.demo.recordings import RECORDING_SPEAKER_SEEDS, long_recording, unlabelled_recordings
from scripts.demo.clips import TRAINING_SPEAKER_SEEDS


def test_the_short_recordings_are_of_a_woman_and_a_man_and_none_is_another() -> None:
    recordings = list(unlabelled_recordings())
    assert [recording.name for recording in recordings] == [
        f"{who}-{take}" for who in ("f5", "m5") for take in range(1, 7)
    ]
    assert {recording.sex for recording in recordings} == {"female", "male"}
    assert len({b"".join(block.tobytes() for block in recording.blocks()) for recording in recordings}) == 12


def test_the_long_recording_needs_windows_and_comes_block_by_block() -> None:
    blocks = list(long_recording().blocks())
    assert 70 <= sum(block.size for block in blocks) / 16_000 <= 80
    assert max(block.size for block in blocks) < 6 * 16_000
    assert {block.dtype for block in blocks} == {np.dtype(np.float32)}


def test_the_long_recording_changes_its_mood_and_is_the_same_every_time() -> None:
    recording = long_recording()
    assert recording == long_recording()
    assert len({utterance.emotion for utterance in recording.utterances}) == 7
    assert len({utterance.seed for utterance in recording.utterances}) == len(recording.utterances)
    first, again = (next(recording.blocks()) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_their_speakers_are_strangers_to_the_corpus_and_to_the_checkpoints() -> None:
    seeds = set(RECORDING_SPEAKER_SEEDS.values())
    assert seeds.isdisjoint(SPEAKER_SEEDS.values())
    assert seeds.isdisjoint(TRAINING_SPEAKER_SEEDS)
