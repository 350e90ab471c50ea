"""What stands in the place of weights or of JSON: told by its first bytes, so that the reason is a plain one."""

GIT_LFS = b"version https://git-lfs"
"""What a file begins with that stands in the place of one that was never uploaded."""

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
}
_KINDS = {
    b"PK\x03\x04": "is an archive, such as torch.save writes, under another name",
    b"\x89HDF": "is a file of Keras (HDF5)",
    b"GGUF": "is a GGUF file",
    b"\x93NUMPY": "is an array of numpy",
    b"<!doctype html": "is a web page",
    b"<html": "is a web page",
    b"<?xml": "is an XML document, such as an error of a server",
    b"{": "is a text in JSON",
}
_TAR, _TAR_PLACE = b"ustar", 257
_LENGTH_BYTES, _LARGEST_HEADER_BYTES = 8, 100_000_000


def foreign_kind(first: bytes) -> str | None:
    r"""Tell what a file is that holds no weights in its own format.

    Args:
        first: Its first bytes.

    Returns:
        The rest of a sentence that begins with the file's name; None where nothing is recognised.

    Examples:
        >>> foreign_kind(b"\x1f\x8b\x08\x00")
        'is compressed with gzip, which transformers does not unpack'
        >>> foreign_kind(b"  <HTML><body>404"), foreign_kind(b"\x80\x02}q\x00.")
        ('is a web page', None)
    """
    if first.startswith(GIT_LFS):
        return "is a pointer of Git LFS: its weights were never uploaded"
    for mark, program in _COMPRESSED.items():
        if first.startswith(mark):
            return f"is compressed with {program}, which transformers does not unpack"
    if first[_TAR_PLACE:].startswith(_TAR):
        return "is a tar archive, which transformers does not unpack"
    if first and not any(first):
        return "holds nothing but zeros"
    begin = first[:64].lstrip().lower()
    return next((kind for mark, kind in _KINDS.items() if begin.startswith(mark.lower())), None)


def is_safetensors(first: bytes) -> bool:
    """Whether a file begins as safetensors files do: with the length of a JSON object, and that object."""
    length = int.from_bytes(first[:_LENGTH_BYTES], "little")
    return 0 < length < _LARGEST_HEADER_BYTES and first[_LENGTH_BYTES:].startswith(b"{")
