from collections import Counter

import numpy as np

from benchmark.audio.voice import EMOTIONS
from benchmark.demo.corpus import SPEAKER_SEEDS, demo_clips, demo_speaker
from scripts.demo.clips import TRAINING_SPEAKER_SEEDS, training_speakers


def test_seven_emotions_by_four_women_and_four_men() -> None:
    clips = list(demo_clips())

    assert len(clips) == 112
    assert len({clip.name for clip in clips}) == 112
    assert Counter(clip.emotion for clip in clips) == dict.fromkeys(EMOTIONS, 16)
    assert Counter(clip.speaker for clip in clips) == dict.fromkeys(SPEAKER_SEEDS, 14)
    assert Counter(clip.sex for clip in clips) == {"female": 56, "male": 56}


def test_every_text_is_said_with_every_emotion_equally_often() -> None:
    pairs = Counter((clip.text_id, clip.emotion) for clip in demo_clips())
    assert len(pairs) == 4 * 7
    assert set(pairs.values()) == {4}


def test_a_clip_is_the_same_every_time() -> None:
    first, again = (next(demo_clips()) for _ in range(2))
    assert first == again
    assert first.waveform.content_hash == again.waveform.content_hash


def test_no_two_clips_sound_the_same_and_all_last_a_second_or_more() -> None:
    waveforms = [clip.waveform for clip in demo_clips()]

    assert len({waveform.content_hash for waveform in waveforms}) == 112
    durations = [waveform.duration_s for waveform in waveforms]
    assert min(durations) >= 1.0
    assert max(durations) <= 4.0
    assert 1.5 <= np.mean(durations) <= 2.5
    assert {waveform.sampling_rate for waveform in waveforms} == {16000}


def test_nobody_in_the_demo_was_trained_on() -> None:
    assert set(SPEAKER_SEEDS.values()).isdisjoint(TRAINING_SPEAKER_SEEDS)
    trained_on = {(speaker.sex, speaker.pitch_hz, speaker.tract_length) for speaker in training_speakers()}
    heard = {demo_speaker(name) for name in SPEAKER_SEEDS}
    assert trained_on.isdisjoint((speaker.sex, speaker.pitch_hz, speaker.tract_length) for speaker in heard)
