"""The clips that all engines answer: recordings of people where there are some, else the demo's synthetic voice."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmark.demo.files import demo_clips

RATE = 16_000
# Lengths of RAVDESS at every tenth of its clips, in seconds.
_LENGTHS_S = (2.94, 3.30, 3.44, 3.50, 3.57, 3.67, 3.74, 3.84, 3.97, 4.14, 5.27)


@dataclass(frozen=True)
class ClipSet:
    """Clips in a folder.

    Attributes:
        paths: The files, in the order in which they are answered.
        seconds: How long each is.
        origin: Where they are from, in words.
    """

    paths: tuple[Path, ...]
    seconds: tuple[float, ...]
    origin: str


def make_clips(count: int, folder: Path) -> ClipSet:
    """Put clips of real lengths into a folder.

    They are taken evenly out of `$BENCH_CLIPS`, a folder of recordings, else out of the corpora beside this
    repository, as many of each; where there are none, the demo's synthetic voice is cut into the lengths of RAVDESS.

    Args:
        count: How many.
        folder: Where to; created.
    """
    folder.mkdir(parents=True)
    sources = [files for place in _sources() if len(files := _recordings(place)) >= count]
    if not sources:
        return _synthetic(count, folder)
    paths = []
    for place in range(count):
        files = sources[place % len(sources)]
        path = files[place * len(files) // count]
        paths.append(Path(shutil.copyfile(path, folder / f"{place:04d}{path.suffix}")))
    seconds = tuple(soundfile.info(path).duration for path in paths)
    names = ", ".join(dict.fromkeys(_name(files[0]) for files in sources))
    return ClipSet(tuple(paths), seconds, f"recordings of {names}")


def _sources() -> list[Path]:
    named = os.environ.get("BENCH_CLIPS")
    if named:
        return [Path(named)]
    beside = Path(__file__).parents[2] / "shared" / "corpora"
    return sorted(path for path in beside.iterdir() if path.is_dir()) if beside.is_dir() else []


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".flac", ".wav"})


def _name(file: Path) -> str:
    return file.parent.parent.name if file.parent.name == "audio" else file.parent.name


def _synthetic(count: int, folder: Path) -> ClipSet:
    voice = np.concatenate([clip.waveform().samples for clip in demo_clips()])
    paths = tuple(_cut(voice, place, count, folder) for place in range(count))
    seconds = tuple(soundfile.info(path).duration for path in paths)
    return ClipSet(paths, seconds, "the demo's synthetic voice, in the lengths of RAVDESS")


def _cut(voice: np.ndarray[tuple[int], np.dtype[np.float32]], place: int, count: int, folder: Path) -> Path:
    share = (place * 37 % count) / max(1, count - 1)
    seconds = float(np.interp(share * 10, range(11), _LENGTHS_S))
    begin = place * 7919 * 13 % max(1, voice.size - int(6 * RATE))
    path = folder / f"{place:04d}.flac"
    soundfile.write(path, voice[begin : begin + int(seconds * RATE)], RATE)
    return path
