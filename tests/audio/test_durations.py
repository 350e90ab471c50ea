import os
from pathlib import Path

import numpy as np
import soundfile

from benchmark.audio.durations import told_seconds


def test_a_header_tells_the_length_and_what_is_no_audio_tells_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(12_000), 8_000)
    (tmp_path / "b.wav").write_bytes(b"no audio")
    assert told_seconds(tmp_path / "a.wav") == 1.5
    assert told_seconds(tmp_path / "b.wav") is None
    assert told_seconds(tmp_path / "gone.wav") is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert told_seconds(tmp_path / "pipe.wav") is None
