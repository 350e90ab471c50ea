"""Clips, where their audio lies, and the corpus that they make."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from benchmark.audio.decoding import decode
from benchmark.audio.waveform import Waveform


class AudioSource(Protocol):
    """Wherever the audio of a clip comes from."""

    def waveform(self) -> Waveform:
        """Decode the audio.

        Raises:
            UndecodableAudio: Nobody can decode it; the message tells why.
        """


@dataclass(frozen=True)
class AudioFile:
    """Audio in a file of its own."""

    path: Path

    def waveform(self) -> Waveform:
        """Decode the file.

        Raises:
            UndecodableAudio: It is missing, empty, damaged, or no audio.
        """
        return decode(self.path)


@dataclass(frozen=True, kw_only=True)
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
    """

    name: str
    audio: AudioSource
    label: str | None = None
    speaker: str | None = None
    sex: str | None = None
    language: str | None = None
    text_id: str | None = None


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
    """

    name: str
    source: str
    clips: tuple[Clip, ...]
    available_clips: int
    synthetic: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    merge: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def limited(self, clips: int | None) -> "Corpus":
        """Keep at most `clips` clips, the labels in turn, each label's in an order that depends on names alone."""
        if clips is None or clips >= len(self.clips):
            return self
        by_label: dict[str | None, list[int]] = defaultdict(list)
        for index in sorted(range(len(self.clips)), key=lambda index: _shuffled(self.clips[index].name)):
            by_label[self.clips[index].label].append(index)
        turns = sorted(
            (turn, str(label), index) for label, group in by_label.items() for turn, index in enumerate(group)
        )
        kept = sorted(index for _, _, index in turns[:clips])
        return replace(self, clips=tuple(self.clips[index] for index in kept))


def _shuffled(name: str) -> bytes:
    """Give a sort key that is unrelated to the name's own order, and the same on every machine."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
