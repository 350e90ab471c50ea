"""JSON files of a repository: parsed strictly, since whoever wrote them may be careless or hostile."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.hub.facts import CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME

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

LARGEST_DOCUMENT_BYTES = 4_000_000
"""No honest configuration comes near; label maps of thousands of classes stay under 1 MB."""


@dataclass(frozen=True)
class Document:
    """A JSON object of a repository, or why there is none.

    Attributes:
        content: The object; None where there is no such file or it cannot be used.
        problem: Why the file cannot be used; None where it can, or where there is none.
    """

    content: dict[str, Any] | None = None
    problem: str | None = None


ABSENT = Document()


def too_large(size: int) -> Document:
    """Tell that a document is larger than any honest one.

    Examples:
        >>> too_large(5_000_000).problem
        'it has 5.0 MB, more than any configuration (4 MB)'
    """
    return Document(
        problem=f"it has {size / 1e6:.1f} MB, more than any configuration ({LARGEST_DOCUMENT_BYTES / 1e6:.0f} MB)"
    )


def read_document(path: Path) -> Document:
    """Read a JSON object from a file.

    Args:
        path: The file; a missing one is no problem, only absent.

    Returns:
        The object, or what is wrong with it.
    """
    try:
        state = path.stat()
        # A pipe has no end and a device need not have one; neither tells its size.
        if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
            return Document(problem="it is no file but a pipe or a device")
        if state.st_size > LARGEST_DOCUMENT_BYTES:
            return too_large(state.st_size)
        return parse_document(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return Document(problem=f"it cannot be read ({error.strerror or type(error).__name__})")


def parse_document(content: bytes) -> Document:
    r"""Parse a JSON object as the standard defines it: UTF-8, one value for a name, no NaN.

    Args:
        content: The bytes of the file.

    Returns:
        The object, or what is wrong with it.

    Examples:
        >>> parse_document(b'{"model_type": "wav2vec2"}').content
        {'model_type': 'wav2vec2'}
        >>> parse_document(b'{"a": 1, "a": 2}').problem
        "it gives 'a' twice, with two values"
        >>> parse_document(b'{"a": 1, "a": 1}').content
        {'a': 1}
        >>> parse_document(b"[]").problem
        'it is no JSON object but an array'
    """
    if content.startswith(GIT_LFS):
        return Document(problem="it is a pointer of Git LFS: its content was never uploaded")
    try:
        parsed: Any = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # JSON can spell half of a character, or a number beyond all bounds, which nothing that we write could hold.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        return Document(problem=_describe(error))
    if not isinstance(parsed, dict):
        kind = "an array" if isinstance(parsed, list) else f"a {type(parsed).__name__}"
        return Document(problem=f"it is no JSON object but {kind}")
    return Document(content=parsed)


def _describe(error: Exception) -> str:
    match error:
        case UnicodeError():
            return "it is not Unicode text in UTF-8"
        case RecursionError():
            return "it is nested too deeply"
        case json.JSONDecodeError():
            return f"it is not JSON ({error.msg}, line {error.lineno})"
    return str(error)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        # Said twice and the same is no contradiction, and transformers loads it; 1 and true are not the same.
        if name in content and json.dumps(content[name]) != json.dumps(value):
            raise ValueError(f"it gives {name[:80]!r} twice, with two values")
        content[name] = value
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is not JSON")


_NESTED_NAMES = ("feature_extractor", "audio_processor")


def read_config(folder: Path) -> Document:
    """Read `config.json`."""
    return read_document(folder / CONFIG_NAME)


def read_preprocessor(folder: Path) -> Document:
    """Read what describes the feature extractor, from where transformers looks for it.

    Newer versions of transformers nest it in `processor_config.json`; that wins over `preprocessor_config.json`.
    """
    processor = read_document(folder / PROCESSOR_NAME)
    if processor.content is not None:
        for name in _NESTED_NAMES:
            if name in processor.content:
                return nested_document(processor.content[name], name)
    if processor.problem is not None:
        # transformers gives up at this file, whatever the other one holds.
        return Document(problem=f"as to {PROCESSOR_NAME}, {processor.problem}")
    return read_document(folder / PREPROCESSOR_NAME)


def nested_document(value: Any, name: str) -> Document:
    """Read an object within a document.

    Examples:
        >>> nested_document([], "feature_extractor").problem
        'its feature_extractor is no JSON object'
        >>> nested_document(None, "feature_extractor") == ABSENT
        True
    """
    if value is None:
        return ABSENT
    return Document(content=value) if isinstance(value, dict) else Document(problem=f"its {name} is no JSON object")


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
