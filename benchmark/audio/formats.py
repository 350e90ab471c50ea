"""Which formats of audio can be decoded here: found out by decoding a moment of each."""

import io

import numpy as np
import soundfile

from benchmark.audio.decoding import UndecodableAudio, decode

ESSENTIAL_FORMATS = ("wav", "flac")
_RATE = 16_000
_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
}
# libsndfile has no decoder of these; bench counts such files as unreadable.
_NEVER = ("m4a", "wma", "amr", "webm")


def decodable_formats() -> dict[str, bool]:
    """Try every format.

    Returns:
        For each format whether a file of it can be decoded.

    Examples:
        >>> decodable_formats()["wav"], decodable_formats()["m4a"]
        (True, False)
    """
    return {name: _can_decode(*how) for name, how in _FORMATS.items()} | dict.fromkeys(_NEVER, False)


def _can_decode(container: str, coding: str) -> bool:
    tone = np.sin(np.arange(_RATE // 2) / 10).astype(np.float32) / 2
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, _RATE, format=container, subtype=coding)
        return bool(decode(file.getvalue()).samples.size)
    except (soundfile.SoundFileError, UndecodableAudio, ValueError, TypeError):
        return False
