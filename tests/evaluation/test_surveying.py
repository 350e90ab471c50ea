from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import AudioFile, Clip, Corpus
from benchmark.evaluation.listening import hear_corpus
from benchmark.evaluation.surveying import measure_corpus
from benchmark.progress import Silent

RATE = 16_000


def test_every_clip_is_measured_in_its_place_and_identical_ones_alike(tmp_path: Path) -> None:
    for name, level in {"loud": 0.1, "soft": 0.01, "twin": 0.01}.items():
        soundfile.write(tmp_path / f"{name}.wav", np.random.default_rng(0).normal(0, level, RATE), RATE)
    names = ("soft.wav", "gone.wav", "loud.wav", "twin.wav")
    clips = tuple(Clip(name=name, audio=AudioFile(tmp_path / name)) for name in names)
    heard = hear_corpus(Corpus(name="c", source="", clips=clips, available_clips=4), Silent())
    soft, gone, loud, twin = measure_corpus(heard, Silent())
    assert gone is None
    assert soft is not None
    assert loud is not None
    assert soft.level_db == pytest.approx(-40, abs=0.2)
    assert loud.level_db == pytest.approx(-20, abs=0.2)
    assert twin == soft
