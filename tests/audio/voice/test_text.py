import pytest

from benchmark.audio.voice.phones import SEGMENTS, VOWELS
from benchmark.audio.voice.text import invent_text


@pytest.mark.parametrize("seed", range(20))
def test_invented_words_can_be_pronounced_and_have_the_syllables_asked_for(seed: int) -> None:
    text = invent_text(seed, syllables=9)
    assert set(text) <= {*SEGMENTS, " "}
    assert sum(letter in VOWELS for letter in text) == 9
    assert "  " not in text


def test_seeds_give_different_texts() -> None:
    assert len({invent_text(seed) for seed in range(50)}) == 50
