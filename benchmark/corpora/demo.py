"""The embedded demo as corpora: the labelled clips, those without labels, and the long recording."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchmark.audio.decoding import AudioStream
from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import Clip
from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.demo.corpus import DemoClip
    from benchmark.demo.recordings import DemoRecording


def check_part(part: str) -> str:
    """Hold that the demo has such a part.

    Args:
        part: What stands after `demo:` in a SPEC.

    Returns:
        The same.

    Raises:
        RequestError: It has none.
    """
    if part not in DEMO_PARTS:
        *others, last = (f"demo:{known}" for known in DEMO_PARTS)
        raise RequestError(f"The demo has no part {part!r}; write {', '.join(others)} or {last}.")
    return part


def demo_corpus(part: str) -> tuple[Clip, ...]:
    """List the clips of a part of the demo.

    Args:
        part: Empty for the labelled corpus; `unlabelled` or `long`.

    Returns:
        The clips; their audio is made when it is asked for.

    Raises:
        RequestError: The demo has no such part.
    """
    return DEMO_PARTS[check_part(part)]()


@dataclass(frozen=True, eq=False)
class _Generated:
    """Audio that a program makes whenever it is asked for."""

    clip: "DemoClip"

    def waveform(self) -> Waveform:
        return self.clip.waveform


@dataclass(frozen=True, eq=False)
class _Spoken:
    """Audio that a program makes utterance by utterance."""

    recording: "DemoRecording"

    def waveform(self) -> Waveform:
        with self.stream() as stream:
            return Waveform(np.concatenate(list(stream.blocks)), stream.sampling_rate)

    @contextmanager
    def stream(self) -> Iterator[AudioStream]:
        from benchmark.demo.corpus import SAMPLING_RATE  # noqa: PLC0415 - the voice needs scipy.signal

        yield AudioStream(SAMPLING_RATE, 1, self.recording.blocks())


def _labelled() -> tuple[Clip, ...]:
    from benchmark.demo.corpus import demo_clips  # noqa: PLC0415 - the voice needs scipy.signal, a second to import

    return tuple(
        Clip(
            name=clip.name,
            audio=_Generated(clip),
            label=clip.emotion,
            speaker=clip.speaker,
            sex=clip.sex,
            text_id=clip.text_id,
        )
        for clip in demo_clips()
    )


def _unlabelled() -> tuple[Clip, ...]:
    from benchmark.demo.recordings import unlabelled_recordings  # noqa: PLC0415 - the voice needs scipy.signal

    return tuple(_clip(recording) for recording in unlabelled_recordings())


def _long() -> tuple[Clip, ...]:
    from benchmark.demo.recordings import long_recording  # noqa: PLC0415 - the voice needs scipy.signal

    return (_clip(long_recording()),)


def _clip(recording: "DemoRecording") -> Clip:
    return Clip(name=recording.name, audio=_Spoken(recording), speaker=recording.speaker, sex=recording.sex)


DEMO_PARTS: Mapping[str, Callable[[], tuple[Clip, ...]]] = MappingProxyType(
    {"": _labelled, "unlabelled": _unlabelled, "long": _long}
)
"""How to list the clips of each part, by what stands after `demo:`."""
