import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from benchmark.audio.decoding import decode
from benchmark.audio.fingerprints import LIKENESS_OF_COPIES, find_near_copies
from benchmark.audio.waveform import resample
from benchmark.demo.files import demo_clips

Waveform = NDArray[np.float32]
RATE = 16_000


def resampled(samples: Waveform, from_rate: float, to_rate: float) -> Waveform:
    return np.asarray(soxr.resample(samples, from_rate, to_rate), np.float32)


def over_the_telephone(samples: Waveform) -> Waveform:
    return resampled(resampled(samples, RATE, 8_000), 8_000, RATE)


def with_noise(samples: Waveform, below_db: float = 30) -> Waveform:
    noise = np.random.default_rng(0).standard_normal(len(samples)) * np.sqrt(np.mean(samples**2))
    return np.asarray(samples + noise * 10 ** (-below_db / 20), np.float32)


def as_mp3(samples: Waveform) -> Waveform:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3", subtype="MPEG_LAYER_III")
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0], np.float32)


CHANGES: dict[str, Callable[[Waveform], Waveform]] = {
    "a tenth of the gain": lambda samples: samples * np.float32(0.1),
    "half the gain": lambda samples: samples * 0.5,
    "8 kHz": over_the_telephone,
    "MP3": as_mp3,
    "50 ms cut off": lambda samples: samples[800:],
    "50 ms of silence before": lambda samples: np.pad(samples, (800, 0)),
    "noise at 30 dB": with_noise,
    "8 kHz, MP3, noise, cut": lambda samples: with_noise(as_mp3(over_the_telephone(samples * 0.3)))[500:],
    "0.9 times the speed": lambda samples: resampled(samples, RATE * 0.9, RATE),
    "1.1 times the speed": lambda samples: resampled(samples, RATE * 1.1, RATE),
}


def pairs(waveforms: Sequence[Waveform]) -> list[tuple[int, int]]:
    return [(copy.first, copy.second) for copy in find_near_copies(waveforms)]


@pytest.fixture(scope="module")
def voices() -> list[Waveform]:
    """Eight synthetic speakers who speak the same two texts."""
    return [np.asarray(clip.waveform().samples, np.float32) for clip in demo_clips()]


def test_different_recordings_of_the_same_texts_are_no_copies(voices: list[Waveform]) -> None:
    assert pairs(voices) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_before_and_behind_the_original(voices: list[Waveform], change: str) -> None:
    originals = voices[::12]
    copies = [CHANGES[change](samples) for samples in originals]
    count = len(originals)
    assert pairs([*originals, *copies]) == [(index, index + count) for index in range(count)]
    assert pairs([*copies, *originals]) == [(index, index + count) for index in range(count)]


def test_a_copy_is_found_where_another_stretch_is_the_loudest_by_a_little(voices: list[Waveform]) -> None:
    first, second = (samples / np.abs(samples).max() for samples in (voices[0], voices[40]))
    second = second * np.sqrt(np.square(first).sum() / np.square(second).sum())
    louder_first = np.concatenate([first * np.float32(1.05), second, np.zeros(8_000, np.float32)])
    louder_second = np.concatenate([first, second * np.float32(1.05), np.zeros(8_000, np.float32)])
    for gain in (0.8, 0.9, 1.0, 1.1, 1.25):
        changed = np.concatenate([first * np.float32(gain), second])
        assert pairs([louder_first, changed]) == [(0, 1)], gain
        assert pairs([changed, louder_second]) == [(0, 1)], gain


def test_what_holds_no_speech_is_no_copy_of_anything(voices: list[Waveform]) -> None:
    silence, short = np.zeros(RATE, np.float32), voices[0][:4000]
    broken = np.full(RATE, np.nan, np.float32)
    assert pairs([silence, silence, broken, broken, short, short, np.zeros(0, np.float32)]) == []


@pytest.mark.slow
def test_on_ravdess_only_its_known_copy_and_planted_copies_are_found(shared: Path) -> None:
    paths = sorted((shared / "corpora/ravdess/audio").glob("*.flac"))
    waveforms = [resample(decode(path), RATE).samples for path in paths]
    known = find_near_copies(waveforms)
    # Actor 07 says a sentence twice alike; of the publisher's two files of it, one is a copy.
    different_speakers = [copy for copy in known if paths[copy.first].stem[-2:] != paths[copy.second].stem[-2:]]
    assert different_speakers == []
    assert sum(copy.likeness > 0.999 for copy in known) == 1
    assert len(known) <= 3
    for index in range(0, len(paths), 48):
        for name, change in CHANGES.items():
            found = find_near_copies([waveforms[index], change(waveforms[index])])
            assert [copy.likeness >= LIKENESS_OF_COPIES for copy in found] == [True], (paths[index].name, name)
