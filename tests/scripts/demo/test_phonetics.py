import numpy as np
import pytest

from scripts.demo.phonetics import SEGMENTS, VOWELS, Score, invent_text, write_score
from scripts.demo.speakers import Prosody, Speaker

SPEAKER = Speaker(name="x", sex="male", pitch_hz=120.0)


def scored(text: str = "mola tuki rane", **prosody: float) -> Score:
    return write_score(text, Prosody(**prosody), SPEAKER, np.random.default_rng(0))


def test_every_track_has_the_same_number_of_frames() -> None:
    score = scored()
    frames = score.pitch_hz.size
    assert score.formants.shape == (frames, 5)
    assert score.hiss.shape == (frames, 3)
    assert score.voice.shape == score.breath.shape == (frames,)


def test_prosody_moves_pitch_and_time() -> None:
    octave = np.median(scored(pitch_st=12.0).pitch_hz / scored(pitch_st=0.0).pitch_hz)
    assert octave == pytest.approx(2.0)
    wider = np.std(np.log(scored(range_log=0.7).pitch_hz)) / np.std(np.log(scored().pitch_hz))
    assert wider == pytest.approx(np.exp(0.7), rel=0.15)
    question, statement = scored(terminal_st=6.0), scored(terminal_st=-6.0)
    assert question.pitch_hz[-1] == pytest.approx(2 * statement.pitch_hz[-1])
    assert scored(tempo_log=0.5).pitch_hz.size < 0.7 * scored().pitch_hz.size
    assert scored(pause=1.0).pitch_hz.size > scored(pause=0.0).pitch_hz.size + 50


def test_a_shorter_tract_has_higher_formants() -> None:
    child = Speaker(name="x", sex="male", pitch_hz=120.0, tract_length=0.5)
    score = write_score("a", Prosody(), child, np.random.default_rng(0))
    reference = write_score("a", Prosody(), SPEAKER, np.random.default_rng(0))
    np.testing.assert_allclose(score.formants, 2 * reference.formants)


def test_letters_without_a_sound_are_passed_over() -> None:
    np.testing.assert_array_equal(scored("m'ola, TUKI!").voice, scored("mola tuki").voice)


def test_invented_words_can_be_pronounced_have_the_syllables_asked_for_and_differ() -> None:
    texts = [invent_text(seed, syllables=9) for seed in range(50)]
    for text in texts:
        assert set(text) <= {*SEGMENTS, " "}
        assert sum(letter in VOWELS for letter in text) == 9
        assert "  " not in text
    assert len(set(texts)) == 50
