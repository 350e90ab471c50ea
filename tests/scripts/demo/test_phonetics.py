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


def test_pitch_follows_the_level_that_was_asked_for() -> None:
    octave = np.median(scored(pitch_st=12.0).pitch_hz / scored(pitch_st=0.0).pitch_hz)
    assert octave == pytest.approx(2.0)


def test_a_wider_range_moves_pitch_more() -> None:
    assert np.std(np.log(scored(range_log=0.7).pitch_hz)) == pytest.approx(
        np.exp(0.7) * np.std(np.log(scored().pitch_hz)), rel=0.15
    )


def test_a_question_ends_higher_than_a_statement() -> None:
    assert scored(terminal_st=6.0).pitch_hz[-1] == pytest.approx(2 * scored(terminal_st=-6.0).pitch_hz[-1])


def test_a_faster_tempo_takes_less_time() -> None:
    assert scored(tempo_log=0.5).pitch_hz.size < 0.7 * scored().pitch_hz.size


def test_pauses_take_time() -> None:
    assert scored(pause=1.0).pitch_hz.size > scored(pause=0.0).pitch_hz.size + 50


def test_a_shorter_tract_has_higher_formants() -> None:
    child = Speaker(name="x", sex="male", pitch_hz=120.0, tract_length=0.5)
    score = write_score("a", Prosody(), child, np.random.default_rng(0))
    reference = write_score("a", Prosody(), SPEAKER, np.random.default_rng(0))
    np.testing.assert_allclose(score.formants, 2 * reference.formants)


def test_letters_without_a_sound_are_passed_over() -> None:
    np.testing.assert_array_equal(scored("m'ola, TUKI!").voice, scored("mola tuki").voice)


@pytest.mark.parametrize("seed", range(20))
def test_invented_words_can_be_pronounced_and_have_the_syllables_asked_for(seed: int) -> None:
    text = invent_text(seed, syllables=9)
    assert set(text) <= {*SEGMENTS, " "}
    assert sum(letter in VOWELS for letter in text) == 9
    assert "  " not in text


def test_seeds_give_different_texts() -> None:
    assert len({invent_text(seed) for seed in range(50)}) == 50
