"""The demo's files in the installed package: registry, checkpoints, recordings, and the probes of verification.

The voices are synthetic (`scripts/write_recordings.py`); no score on them says anything about real speech.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmark.audio.decoding import AudioStream, decode, open_audio
from benchmark.audio.waveform import Waveform

_FOLDER = Path(__file__).parent
_RECORDINGS = _FOLDER / "recordings"


@dataclass(frozen=True, kw_only=True)
class DemoClip:
    """A recording of one synthetic speaker.

    It is an audio source of its own, not an `AudioFile`, so that pages embed it instead of linking to the installed
    package.

    Attributes:
        name: Unique in the demo, such as `f1-anger-t1`, `f5-1` or `f6-long`.
        path: FLAC, 16 kHz, 16 bits, one channel.
        speaker: Begins with `f` for a woman, with `m` for a man.
        emotion: Canonical name of the emotion; like `text_id` (the spoken text) None without a label.
    """

    name: str
    path: Path
    speaker: str
    emotion: str | None = None
    text_id: str | None = None

    @property
    def sex(self) -> str:
        """`female` or `male`."""
        return "female" if self.speaker.startswith("f") else "male"

    def waveform(self) -> Waveform:
        """Decode all of it."""
        return decode(self.path)

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open it to be decoded block by block."""
        return open_audio(self.path)


def demo_clips(part: str = "labelled") -> Iterator[DemoClip]:
    """List the recordings of a part of the demo, in a fixed order.

    Args:
        part: `labelled`: 112 clips, 7 emotions of 8 speakers with 2 texts each. `unlabelled`: 12 clips of two other
            speakers. `long`: one recording of 77 s of a third speaker, whose emotion changes every few sentences.

    Examples:
        >>> [clip.name for clip in demo_clips()][:2]
        ['f1-anger-t1', 'f1-anger-t2']
        >>> [clip.speaker for clip in demo_clips("long")]
        ['f6']
    """
    for path in sorted((_RECORDINGS / part).glob("*.flac")):
        speaker, *label = path.stem.split("-")
        if part == "labelled":
            emotion, text_id = label
            yield DemoClip(name=path.stem, path=path, speaker=speaker, emotion=emotion, text_id=text_id)
        else:
            yield DemoClip(name=path.stem, path=path, speaker=speaker)


def read_probe(emotion: str) -> Waveform:
    """Decode one of the recordings for the probes of verification.

    Examples:
        >>> read_probe("neutral").sampling_rate
        16000
    """
    return decode(_RECORDINGS / "probes" / f"{emotion}.flac")


def registry_path() -> Path:
    """The demo's registry file."""
    return _FOLDER / "registry.yaml"


def checkpoints_path() -> Path:
    """The folder of the demo's checkpoints, one folder each."""
    return _FOLDER / "checkpoints"
