import re

import pytest

from benchmark.audio.perturbation import FORMS, Kind, Perturbation, parse_perturbations, perturbation_named
from benchmark.errors import RequestError


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("noise:20dB", "noise:20dB"),
        ("noise:20.0db", "noise:20dB"),
        ("noise:-5dB", "noise:-5dB"),
        ("gain:-12dB", "gain:-12dB"),
        ("gain:+6 dB", "gain:6dB"),
        ("lowpass:4k", "lowpass:4k"),
        ("lowpass:4000Hz", "lowpass:4k"),
        ("lowpass:3.4kHz", "lowpass:3.4k"),
        ("Telephone", "telephone"),
        ("clip", "clip:0.3"),
        ("clip:0.30", "clip:0.3"),
        (" speed:1.10 ", "speed:1.1"),
    ],
)
def test_what_is_the_same_has_one_name_however_it_is_written(written: str, name: str) -> None:
    (found,) = parse_perturbations([written])
    assert found.name == name
    assert perturbation_named(name) == found


def test_forms_come_several_to_a_text_or_one_by_one() -> None:
    together = parse_perturbations(["noise:20dB, telephone,", "speed:1.1"])
    assert together == parse_perturbations(["noise:20dB", "telephone", "speed:1.1"])
    assert parse_perturbations([]) == parse_perturbations([""]) == ()


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("hiss:20dB", "is unknown"),
        ("noise", "has no amount"),
        ("noise:", "has no amount"),
        ("noise:20", "lacks its unit"),
        ("noise:loud", "has no amount"),
        ("noise:nandB", "has no amount"),
        ("noise:infdB", "has no amount"),
        ("noise:٢٠dB", "has no amount"),
        ("noise:500dB", "out of range, which is -20 to 100 dB"),
        ("gain:12", "lacks its unit"),
        ("gain:0dB", "changes nothing"),
        ("gain:-0dB", "changes nothing"),
        ("lowpass:4000", "lacks its unit"),
        ("lowpass:0k", "out of range, which is 100 to 96000 Hz"),
        ("telephone:8k", "takes no amount"),
        ("clip:30%", "has no amount"),
        ("clip:1", "out of range"),
        ("clip:0", "out of range"),
        ("speed:0", "out of range, which is 0.25 to 4:"),
        ("speed:1000", "out of range"),
        ("speed:1.0", "changes nothing"),
        ("speed:nan", "has no amount"),
        ("speed:1.1x", "has no amount"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_that_lists_the_forms(written: str, complaint: str) -> None:
    with pytest.raises(RequestError, match=re.escape(complaint)) as refused:
        parse_perturbations([written])
    assert repr(written) in str(refused.value)
    assert all(form in str(refused.value) for form in FORMS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("twice", ["clip,clip:0.3", "lowpass:4k,lowpass:4000Hz"])
def test_the_same_thing_twice_is_refused(twice: str) -> None:
    with pytest.raises(RequestError, match="twice"):
        parse_perturbations([twice])


def test_only_a_lowpass_above_the_band_leaves_audio_alone() -> None:
    lowpass = Perturbation(Kind.LOWPASS, 4000.0)
    assert lowpass.leaves_alone(8_000)
    assert not lowpass.leaves_alone(8_001)
    others = parse_perturbations(["noise:20dB,gain:-12dB,telephone,clip,speed:1.1"])
    assert not any(other.leaves_alone(8_000) for other in others)
