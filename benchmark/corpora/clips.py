"""Clips, where their audio lies, and the corpus that they make."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchmark.audio.channels import Channel, ChannelChoice
from benchmark.audio.decoding import AudioStream, UndecodableAudio, decode, open_audio
from benchmark.audio.waveform import Waveform
from benchmark.emotions.merges import Merges


class AudioSource(Protocol):
    """Wherever the audio of a clip comes from."""

    def waveform(self) -> Waveform:
        """Decode the audio.

        Raises:
            UndecodableAudio: Nobody can decode it; the message tells why.
        """


@runtime_checkable
class StreamedSource(AudioSource, Protocol):
    """Audio that can be decoded block by block, so that its length does not matter."""

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the audio; entering, and reading on, raises `UndecodableAudio`."""


@runtime_checkable
class ChannelledSource(AudioSource, Protocol):
    """Audio that may have several channels, of which one can be chosen."""

    def channels(self) -> int | None:
        """Count the channels; None where nobody can know before decoding."""

    def on(self, channel: Channel) -> AudioSource:
        """The same audio, with another choice of what is heard."""


@contextmanager
def open_source(source: AudioSource) -> Iterator[AudioStream]:
    """Open audio from anywhere; what cannot be streamed comes as one block.

    Raises:
        UndecodableAudio: Nobody can decode it; what lies further on is found when the blocks are read.
    """
    if isinstance(source, StreamedSource):
        with source.stream() as stream:
            yield stream
        return
    waveform = source.waveform()
    yield AudioStream(waveform.sampling_rate, 1, iter([waveform.samples]))


@dataclass(frozen=True, slots=True, init=False)
class AudioFile:
    """Audio in a file of its own.

    Attributes:
        location: Where it lies, as a text: for each clip of a large corpus, a `Path` would take five times the memory.
        channel: What of its channels is heard.
    """

    location: str
    channel: Channel

    def __init__(self, path: Path, channel: Channel = Channel.MIX) -> None:
        """Say where the file lies, and what of its channels is heard."""
        object.__setattr__(self, "location", str(path))
        object.__setattr__(self, "channel", channel)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    def waveform(self) -> Waveform:
        """Decode the file.

        Raises:
            UndecodableAudio: It is missing, empty, damaged, or no audio.
        """
        return decode(self.path, self.channel)

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the file to be decoded block by block."""
        return open_audio(self.path, self.channel)

    def channels(self) -> int | None:
        """Count the channels; None where it cannot be opened."""
        try:
            with open_audio(self.path) as stream:
                return stream.channels
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> "AudioFile":
        """The same file, with another choice of what is heard."""
        return AudioFile(self.path, channel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One recording, with what its corpus knows of it.

    Attributes:
        name: Its name within the corpus, such as the path below the corpus's folder.
        audio: Where the audio comes from.
        label: The corpus's own label; None where it has none.
        speaker: Who speaks.
        sex: The speaker's sex.
        language: The language spoken.
        text_id: What is said.
        intensity: How strongly the emotion is played, in the corpus's own word.
        votes: How many raters chose each label; None where nobody counted them.
        attributes: Whatever else its corpus says of it: column → value.
    """

    name: str
    audio: AudioSource
    label: str | None = None
    speaker: str | None = None
    sex: str | None = None
    language: str | None = None
    text_id: str | None = None
    intensity: str | None = None
    votes: Mapping[str, int] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def stratum(self) -> str | None:
        """The label, or else the one that most raters chose, the first of equals by name: for drawing samples only."""
        if self.label is not None or not self.votes:
            return self.label
        return min(self.votes, key=lambda label: (-self.votes[label] if self.votes else 0, label))


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A set of clips.

    Attributes:
        name: What tables call it.
        source: The SPEC it came from.
        clips: The clips that are to be used.
        available_clips: How many there were before a limit.
        synthetic: Whether a program made the voices.
        labels: The user's overrides of what a label means.
        merge: Emotions that the user merges into others.
        notes: What a person should know of how it was read.
        selection: Which part of it the user asked for, in words; None for all of it.
        channel: What of recordings with several channels is heard.
    """

    name: str
    source: str
    clips: tuple[Clip, ...]
    available_clips: int
    synthetic: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    merge: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    selection: str | None = None
    channel: ChannelChoice = ChannelChoice.MIX

    def merging(self, more: Mapping[str, str]) -> "Corpus":
        """Merge emotions in addition to what the registry says of this corpus; what `more` says counts more.

        Raises:
            RequestError: Together they go round a circle.
        """
        return replace(self, merge=Merges({**self.merge, **more}).as_dict())

    def limited(self, clips: int | None) -> "Corpus":
        """Keep at most `clips` clips, the labels in turn, each label's in an order that depends on names alone."""
        if clips is None or clips >= len(self.clips):
            return self
        by_label: dict[str | None, list[int]] = defaultdict(list)
        for index in sorted(range(len(self.clips)), key=lambda index: shuffled(self.clips[index].name)):
            by_label[self.clips[index].stratum].append(index)
        turns = sorted(
            (turn, str(label), index) for label, group in by_label.items() for turn, index in enumerate(group)
        )
        kept = sorted(index for _, _, index in turns[:clips])
        return replace(self, clips=tuple(self.clips[index] for index in kept))


def storable(text: str) -> str:
    r"""Give a text as it can be stored: a name in a file system of Linux need not be Unicode, and what is stored must.

    Examples:
        >>> storable("call-\udcff.wav")
        'call-?.wav'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def shuffled(name: str) -> bytes:
    """Give a sort key that is unrelated to the name's own order, and the same on every machine.

    Examples:
        >>> sorted(["a1", "a2", "a3"], key=shuffled)
        ['a2', 'a3', 'a1']
    """
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
