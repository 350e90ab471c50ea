import numpy as np

from scripts.demo.speakers import invent_speaker


def test_women_speak_higher_through_shorter_tracts_than_men_and_no_two_seeds_give_the_same_voice() -> None:
    women = [invent_speaker("f", "female", seed) for seed in range(30)]
    men = [invent_speaker("m", "male", seed) for seed in range(30)]
    assert np.mean([speaker.pitch_hz for speaker in women]) > 1.5 * np.mean([speaker.pitch_hz for speaker in men])
    assert np.mean([speaker.tract_length for speaker in women]) < np.mean([speaker.tract_length for speaker in men])
    assert len({round(speaker.pitch_hz, 3) for speaker in women}) == 30
