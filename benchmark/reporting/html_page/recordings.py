"""The recordings of clips for the page: embedded where the user asked for it, else links to files of this machine."""

import base64
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile, AudioSource, open_source
from benchmark.results.leaderboard import Leaderboard

LONGEST_EMBEDDED_S = 30.0
"""Of longer recordings the page holds the beginning."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Where a page finds the audio of a clip.

    Attributes:
        address: A `data:` address, or one relative to the page, or of a file.
        embedded: Whether the page holds the audio itself.
        cut: Whether only the beginning is there.
    """

    address: str
    embedded: bool
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """The audio behind the clips of a run.

    Attributes:
        clips: By corpus and clip.
        embed: How many clips of each corpus are embedded at most.
    """

    clips: Mapping[str, Mapping[str, Clip]] = field(default_factory=lambda: MappingProxyType({}))
    embed: int = 0

    @classmethod
    def of(cls, corpora: Sequence[Corpus], *, embed: int = 0) -> "Recordings":
        """Take the audio of opened corpora, of which at most `embed` clips each are embedded."""
        return cls(clips={corpus.name: {clip.name: clip for clip in corpus.clips} for corpus in corpora}, embed=embed)

    def find(self, corpus: str, clips: Sequence[str], folder: Path) -> dict[str, Recording]:
        """Find the recordings of clips, the first of them embedded as far as that was asked for.

        Args:
            corpus: Its name.
            clips: Names of clips, the most interesting first.
            folder: Where the page will lie.

        Returns:
            By clip; without those that are neither embedded nor files of this machine.
        """
        known = self.clips.get(corpus, {})
        recordings: dict[str, Recording] = {}
        for name in clips:
            if name not in known:
                continue
            audio = known[name].audio
            is_room_left = sum(recording.embedded for recording in recordings.values()) < self.embed
            recording = (_embedded(audio) if is_room_left else None) or _linked(audio, folder)
            if recording is not None:
                recordings[name] = recording
        return recordings


def _embedded(audio: AudioSource) -> Recording | None:
    """The decoded audio as FLAC, which every current browser plays; None where it cannot be decoded."""
    try:
        with open_source(audio) as stream:
            rate = stream.sampling_rate
            most = round(LONGEST_EMBEDDED_S * rate)
            samples = _beginning(stream.blocks, most + 1)
    except UndecodableAudio:
        return None
    content = io.BytesIO()
    soundfile.write(content, samples[:most], rate, format="FLAC", subtype="PCM_16")
    encoded = base64.b64encode(content.getvalue()).decode("ascii")
    return Recording(address=f"data:audio/flac;base64,{encoded}", embedded=True, cut=len(samples) > most)


def _beginning(blocks: Iterable[NDArray[np.float32]], most: int) -> NDArray[np.float32]:
    kept, length = [np.zeros(0, np.float32)], 0
    for block in blocks:
        kept.append(block[: most - length])
        length += len(kept[-1])
        if length >= most:
            break
    return np.concatenate(kept)


def _linked(audio: AudioSource, folder: Path) -> Recording | None:
    if isinstance(audio, AudioFile):
        stop = "" if audio.stop_s is None else f",{audio.stop_s:g}"
        stretch = "" if audio.start_s is None else f"#t={audio.start_s:g}{stop}"
        return Recording(address=file_address(audio.path, folder) + stretch, embedded=False)
    return None


def file_address(path: Path, folder: Path) -> str:
    """Write where a file lies, as seen from a page: relative, so that the address tells nothing of the user's home.

    Args:
        path: The file.
        folder: Where the page lies.

    Returns:
        An address that begins with `./` or `../`, so that no name can be taken for a scheme or a host; a `file:`
        address where the two have no folder in common.

    Examples:
        >>> file_address(Path("/a/calls/javascript:x #1.wav"), Path("/a/reports"))
        '../calls/javascript%3Ax%20%231.wav'
        >>> file_address(Path("/a/reports/x.wav"), Path("/a/reports"))
        './x.wav'
    """
    try:
        relative = Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_uri()
    address = quote(os.fsencode(relative), safe="/")
    return address if address.startswith("../") else f"./{address}"


def recording_data(leaderboard: Leaderboard, recordings: Recordings, folder: Path) -> list[dict[str, Any]]:
    """Find the recordings of all clips that the page lists.

    Args:
        leaderboard: The scored run.
        recordings: Where audio comes from.
        folder: Where the page will lie.

    Returns:
        Per corpus with listed clips: its recordings, and for each clip of both lists (`wrong`, `disputed`) the index of
        its recording, or None.
    """
    content = []
    for clips in leaderboard.hard_clips:
        # Clips are embedded in this order, until there are as many as were requested.
        pairs = zip_longest(clips.most_wrong, clips.most_disputed)
        names = dict.fromkeys(clip.clip for pair in pairs for clip in pair if clip is not None)
        found = recordings.find(clips.corpus, list(names), folder)
        index = {name: number for number, name in enumerate(found)}
        content.append(
            {
                "recordings": [(recording.address, recording.embedded, recording.cut) for recording in found.values()],
                "wrong": [index.get(clip.clip) for clip in clips.most_wrong],
                "disputed": [index.get(clip.clip) for clip in clips.most_disputed],
            }
        )
    return content
