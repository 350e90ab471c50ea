"""The recordings of clips for the page: embedded on request, else links to files of this machine."""

import base64
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile, AudioSource
from benchmark.corpora.clips import Corpus
from benchmark.results.leaderboard import Leaderboard

LONGEST_EMBEDDED_S = 30.0
"""Longer recordings are cut to this length."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The audio of a clip in a page.

    Attributes:
        address: A `data:` address, or one relative to the page, or of a file.
        embedded: Whether the page contains the audio.
        cut: Whether it contains only the beginning.
    """

    address: str
    embedded: bool
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """The audio of the clips of opened corpora.

    Attributes:
        embed: How many clips of each corpus are embedded at most.
        reader: Reads those that are embedded.
    """

    corpora: Sequence[Corpus] = ()
    embed: int = 0
    reader: AudioReader | None = None

    def find(self, corpus: str, clips: Iterable[str], folder: Path) -> dict[str, Recording]:
        """Embed the first clips of a corpus, and link the others.

        Args:
            corpus: The name of the corpus.
            clips: Names of clips, the most interesting first.
            folder: The folder of the page.

        Returns:
            By clip, without clips that can be neither embedded nor linked.
        """
        sources = {clip.name: clip.audio for opened in self.corpora if opened.name == corpus for clip in opened.clips}
        recordings: dict[str, Recording] = {}
        left = self.embed
        for name in clips:
            if name in sources:
                recording = (self._embedded(sources[name]) if left > 0 else None) or _linked(sources[name], folder)
                if recording is not None:
                    recordings[name] = recording
                    left -= recording.embedded
        return recordings

    def _embedded(self, audio: AudioSource) -> Recording | None:
        """The audio as FLAC, which every current browser plays; None if it cannot be decoded."""
        if self.reader is None:
            return None
        try:
            with self.reader.open(audio) as stream:
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
    """The address of a file relative to the folder of a page, so that it does not disclose the user's home.

    Returns:
        An address that begins with `./` or `../`, so that no name can be taken for a scheme or a host; a `file:`
        address if the two have no folder in common.

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
    """The recordings of all clips that the page in `folder` lists.

    Returns:
        Per corpus with listed clips: its recordings, and for each clip of all lists (`wrong`, `disputed`, `answered`)
        the index of its recording, or None.
    """
    content = []
    answered = {answers.corpus: [clip.clip for clip in answers.clips] for answers in leaderboard.clip_answers}
    for clips in leaderboard.hard_clips:
        # Clips are embedded in this order, until there are as many as were requested.
        pairs = zip_longest(clips.most_wrong, clips.most_disputed)
        names = dict.fromkeys(clip.clip for pair in pairs for clip in pair if clip is not None)
        others = answered.get(clips.corpus, [])
        named = recordings.find(clips.corpus, dict.fromkeys([*names, *others]), folder)
        index = {name: number for number, name in enumerate(named)}
        content.append(
            {
                "recordings": [(recording.address, recording.embedded, recording.cut) for recording in named.values()],
                "wrong": [index.get(clip.clip) for clip in clips.most_wrong],
                "disputed": [index.get(clip.clip) for clip in clips.most_disputed],
                "answered": [index.get(name) for name in others],
            }
        )
    return content
