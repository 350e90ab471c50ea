"""What a file is that libsndfile has no decoder for, told by how it begins, and what to do about it."""

BEGINNING_BYTES = 64
"""So many of a file's first bytes tell what it is."""


_FOREIGN = (
    (4, b"ftyp", "MPEG-4 (m4a, mp4)"),
    (0, b"\x1a\x45\xdf\xa3", "WebM"),
    (0, b"\x30\x26\xb2\x75", "Windows Media (wma)"),
    (0, b"#!AMR", "AMR"),
    (0, b"\xff\xf0", "AAC"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf8", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"ADIF", "AAC"),
    (28, b"Speex", "Speex"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio (ape)"),
    (0, b"FLV", "Flash video"),
)


_WAV_CODING_AT = 20


_WAV_CODINGS = {
    b"\x55\x00": "MP3",
    b"\xff\x00": "AAC",
    b"\x10\x16": "AAC",
    b"\x83\x00": "G.729",
    b"\x42\x00": "G.723.1",
    b"\x22\x00": "TrueSpeech",
}


_CONVERT = "which cannot be decoded here: convert it, as `ffmpeg -i call.m4a call.flac` does."


def why_unknown(beginning: bytes) -> str:
    """Say what a file is that cannot be decoded, and what to do about it, in a sentence.

    Args:
        beginning: Its first bytes, `BEGINNING_BYTES` of them where it has so many.

    Examples:
        >>> why_unknown(b"ADIF")
        'It is AAC, which cannot be decoded here: convert it, as `ffmpeg -i call.m4a call.flac` does.'
        >>> why_unknown(b"hello")
        'It is not audio in a known format such as WAV, FLAC, OGG or MP3.'
    """
    for at, mark, name in _FOREIGN:
        if beginning[at:].startswith(mark):
            return f"It is {name}, {_CONVERT}"
    if beginning.startswith(b"RIFF") and beginning[8:16] == b"WAVEfmt ":
        coding = _WAV_CODINGS.get(beginning[_WAV_CODING_AT : _WAV_CODING_AT + 2])
        if coding is not None:
            return f"It is {coding} in a WAV file, {_CONVERT}"
    if beginning.startswith(b"version https://git-lfs"):
        return "It is a pointer of Git LFS in place of the recording: `git lfs pull` fetches that."
    return "It is not audio in a known format such as WAV, FLAC, OGG or MP3."
