"""The recordings of clips for the page: embedded where the user asked for it, else links to files of this machine."""

import base64
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from benchmark.corpora.sources import AudioFile, AudioSegment, AudioSource, open_source
from benchmark.results.analyses import HardClips
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
        """Find the audio of opened corpora.

        Args:
            corpora: As the run heard them.
            embed: How many clips of each corpus are embedded at most.
        """
        return cls(clips={corpus.name: {clip.name: clip for clip in corpus.clips} for corpus in corpora}, embed=embed)

    def find(self, corpus: str, clips: Sequence[str], folder: Path) -> dict[str, Recording]:
        """Find the recordings of clips, the first of them embedded as far as that was asked for.

        Args:
            corpus: What tables call it.
            clips: Names of clips, the most interesting first.
            folder: Where the page will lie.

        Returns:
            By clip; without those that are neither embedded nor files of this machine.
        """
        known = self.clips.get(corpus, {})
        found = {}
        left = self.embed
        for name in clips:
            clip = known.get(name)
            recording = None
            if clip is not None and left > 0:
                recording = _embedded(clip.audio)
                left -= recording is not None
            if clip is not None and recording is None:
                recording = _linked(clip.audio, folder)
            if recording is not None:
                found[name] = recording
        return found


def _embedded(audio: AudioSource) -> Recording | None:
    """The decoded audio as FLAC, which every current browser plays; None where nobody can decode it."""
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
        return Recording(address=file_address(audio.path, folder), embedded=False)
    if isinstance(audio, AudioSegment):
        stop = "" if audio.stop_s is None else f",{audio.stop_s:g}"
        return Recording(address=f"{file_address(audio.path, folder)}#t={audio.start_s:g}{stop}", embedded=False)
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
        Per corpus that has any, in the order of the corpora: addresses by list (`wrong`, `disputed`) and place in it.
    """
    return [_of_corpus(found, recordings, folder) for found in leaderboard.hard_clips]


def _of_corpus(found: HardClips, recordings: Recordings, folder: Path) -> dict[str, Any]:
    addresses = recordings.find(found.corpus, list(dict.fromkeys(_by_turns(found))), folder)
    names = list(addresses)
    place = {name: index for index, name in enumerate(names)}
    return {
        "recordings": [(each.address, each.embedded, each.cut) for each in addresses.values()],
        "wrong": [place.get(clip.clip) for clip in found.most_wrong],
        "disputed": [place.get(clip.clip) for clip in found.most_disputed],
    }


def _by_turns(found: HardClips) -> Iterator[str]:
    for wrong, disputed in zip_longest(found.most_wrong, found.most_disputed):
        for clip in (wrong, disputed):
            if clip is not None:
                yield clip.clip
