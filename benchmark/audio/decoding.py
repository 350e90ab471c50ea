"""From a file, or its bytes, to samples; or to one sentence that says why not."""

import io
import re
import stat
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.mp3 import with_length
from benchmark.audio.waveform import Waveform

# Beyond these no microphone recorded speech; resampling from 1 Hz would turn a small file into gigabytes.
_LOWEST_RATE = 1_000
_HIGHEST_RATE = 1_000_000
# A header may promise any number of frames: memory is taken for those that are there, block by block.
_BLOCK_VALUES = 1 << 20
# MP3 frames and careless headers are off by this much without anything being lost.
_TOLERATED_LOSS_S = 0.05
# libsndfile corrects a size in the header to what the file holds, and says so only in its log.
_CORRECTED_SIZE = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write to a pipe cannot go back to fill in the size; what they leave there is at least this.
_UNKNOWN_SIZE = 0x7FFFF000


class UndecodableAudio(Exception):  # noqa: N818 - it names what the clip is; the run goes on without it
    """A clip that nobody can listen to.

    Attributes:
        reason: One sentence for a person, without the clip's name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decode(source: Path | bytes) -> Waveform:
    """Decode a recording in any format that libsndfile reads: WAV, FLAC, OGG, MP3 and others.

    Args:
        source: A file, or what such a file holds.

    Returns:
        All of it, with the channels averaged, at the rate it was recorded with.

    Raises:
        UndecodableAudio: The file is missing, cannot be opened, or holds no audio that can be read to its end; or
            there are no samples, or some that are not finite. A file that was cut off is undecodable where its format
            tells its length (WAV, FLAC, MP3, AIFF); an OGG stream does not.
    """
    content = source if isinstance(source, bytes) else _content(source)
    if not content:
        raise UndecodableAudio("The file is empty (0 bytes).")
    whole = with_length(content)
    try:
        with _opened(whole) as file:
            # Where the length had to be counted, nobody had promised it.
            promised = _promised_frames(file) if whole is content else 0
            waveform = Waveform(_mono_samples(file, promised), file.samplerate)
    except soundfile.SoundFileError as error:
        detail = getattr(error, "error_string", str(error)).removeprefix("Error : ").rstrip(".")
        raise UndecodableAudio(f"The audio is damaged or was cut off: {detail}.") from error
    if not np.isfinite(waveform.samples).all():
        raise UndecodableAudio("The audio holds samples that are not finite numbers (NaN or infinity).")
    return waveform


def _content(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UndecodableAudio("The file does not exist.") from error
    except PermissionError as error:
        raise UndecodableAudio("The file cannot be opened: permission denied.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        detail = getattr(error, "strerror", None) or str(error)
        raise UndecodableAudio(f"The file cannot be opened: {detail}.") from error
    raise UndecodableAudio("It is a folder, not a file." if stat.S_ISDIR(mode) else "It is not a regular file.")


def _opened(content: bytes) -> soundfile.SoundFile:
    # From memory, since soundfile trusts a file's extension: for `.raw` it asks for the format.
    try:
        file = soundfile.SoundFile(io.BytesIO(content))
    except soundfile.LibsndfileError as error:
        if "malformed" in error.error_string:
            raise UndecodableAudio("The audio's header is damaged or was cut off.") from error
        raise UndecodableAudio("It is not audio in a known format such as WAV, FLAC, OGG or MP3.") from error
    if not _LOWEST_RATE <= file.samplerate <= _HIGHEST_RATE:
        file.close()
        raise UndecodableAudio(f"Its sampling rate of {file.samplerate} Hz is not one that speech is recorded at.")
    return file


def _mono_samples(file: soundfile.SoundFile, promised: int) -> NDArray[np.float32]:
    size = max(1, _BLOCK_VALUES // file.channels)
    blocks: list[NDArray[np.float32]] = []
    while (block := file.read(size, dtype="float32", always_2d=True)).shape[0]:
        blocks.append(block[:, 0] if file.channels == 1 else block.mean(axis=1, dtype=np.float64).astype(np.float32))
    frames = sum(block.size for block in blocks)
    if promised - frames > _TOLERATED_LOSS_S * file.samplerate:
        there, whole = frames / file.samplerate, promised / file.samplerate
        raise UndecodableAudio(f"The audio was cut off: {there:.2f} of {whole:.2f} seconds are there.")
    if not frames:
        raise UndecodableAudio("The audio has no samples.")
    return np.ascontiguousarray(np.concatenate(blocks))


def _promised_frames(file: soundfile.SoundFile) -> int:
    corrected = _CORRECTED_SIZE.search(file.extra_info)
    if corrected is None:
        return int(file.frames)
    promised_bytes, found_bytes = (int(size) for size in corrected.groups())
    if not 0 < found_bytes < promised_bytes < _UNKNOWN_SIZE:
        return int(file.frames)
    return round(int(file.frames) * promised_bytes / found_bytes)
