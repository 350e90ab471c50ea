"""The audio of clips in tests: decoded in this process, or by a reader that they share, so that workers start once."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from benchmark.audio.waveform import Waveform
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress, AudioFile
from benchmark.corpora.clips import Clip
from benchmark.settings import Settings


@cache
def shared_reader() -> AudioReader:
    """A reader with a cache of its own, which is closed when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="bench-reader-", ignore_cleanup_errors=True)
    reader = AudioReader(Settings(cache=Path(folder.name)))
    atexit.register(folder.cleanup)
    atexit.register(reader.__exit__)
    return reader


def waveform_of(clip: Clip) -> Waveform:
    """The audio of a clip that has not to be fetched."""
    assert not isinstance(clip.audio, AudioAddress)
    return clip.audio.waveform()


def path_of(clip: Clip) -> Path:
    """The file of a clip."""
    assert isinstance(clip.audio, AudioFile)
    return clip.audio.path
