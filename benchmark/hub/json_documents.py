"""JSON files of a repository, parsed strictly, and what other files are by their first bytes.

Whoever wrote them may have been careless or hostile.
"""

import contextlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.hub.repository_facts import (
    CONFIG_NAME,
    PREPROCESSOR_NAME,
    PROCESSOR_NAME,
    SPEECHBRAIN_TEXTS,
    RepoFacts,
    is_of_speechbrain,
)

LARGEST_DOCUMENT_BYTES = 4_000_000
"""No honest configuration comes near; label maps of thousands of classes stay under 1 MB."""
LARGEST_TEXT_BYTES = 100_000
_GIT_LFS = b"version https://git-lfs"
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
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_LARGEST_HEADER_BYTES = 100_000_000
# Where transformers looks for the feature extractor within processor_config.json.
_NESTED_NAMES = ("feature_extractor", "audio_processor")


@dataclass(frozen=True)
class Document:
    """A JSON object of a repository, or why it cannot be used; neither where the file is absent."""

    content: dict[str, Any] | None = None
    problem: str | None = None


def describe(facts: RepoFacts, folder: Path, oversized: Mapping[str, Document] | None = None) -> RepoFacts:
    """Add what `config.json` and the description of the feature extractor say.

    Args:
        facts: The facts so far.
        folder: Where the files are.
        oversized: The problems of files that were too large to fetch, by name.
    """
    problems = oversized or {}
    config = problems.get(CONFIG_NAME) or read_document(folder / CONFIG_NAME)
    preprocessor = problems.get(PREPROCESSOR_NAME) or _read_preprocessor(folder)
    return replace(
        facts,
        config=config.content,
        config_problem=config.problem,
        preprocessor=preprocessor.content,
        preprocessor_problem=preprocessor.problem,
        texts=read_texts(folder) if is_of_speechbrain(facts.names) else {},
    )


def read_texts(folder: Path) -> dict[str, str]:
    """Read the text files that describe a model of SpeechBrain; what is no text, or larger than any, is left out."""
    texts = {}
    for name in SPEECHBRAIN_TEXTS:
        path = folder / name
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if stat.S_ISREG(path.stat().st_mode) and path.stat().st_size <= LARGEST_TEXT_BYTES:
                texts[name] = path.read_text(encoding="utf-8")
    return texts


def _read_preprocessor(folder: Path) -> Document:
    """Read the description of the feature extractor from where transformers looks for it.

    Newer versions of transformers nest it in `processor_config.json`, which wins over `preprocessor_config.json`.
    """
    processor = read_document(folder / PROCESSOR_NAME)
    if processor.problem is not None:
        # transformers gives up at this file, whatever the other one holds.
        return Document(problem=f"as to {PROCESSOR_NAME}, {processor.problem}")
    content = processor.content or {}
    name = next((name for name in _NESTED_NAMES if name in content), None)
    if name is None:
        return read_document(folder / PREPROCESSOR_NAME)
    if content[name] is None or isinstance(content[name], dict):
        return Document(content[name])
    return Document(problem=f"its {name} is no JSON object")


def too_large(size: int) -> Document:
    """The problem of a document that is larger than any honest one.

    Examples:
        >>> too_large(5_000_000).problem
        'it has 5.0 MB, more than any configuration (4 MB)'
    """
    limit = f"{LARGEST_DOCUMENT_BYTES / 1e6:.0f} MB"
    return Document(problem=f"it has {size / 1e6:.1f} MB, more than any configuration ({limit})")


def read_document(path: Path) -> Document:
    """Read a JSON object from a file."""
    try:
        state = path.stat()
        # A pipe has no end and a device need not have one; neither has a size.
        if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
            return Document(problem="it is no file but a pipe or a device")
        if state.st_size > LARGEST_DOCUMENT_BYTES:
            return too_large(state.st_size)
        return parse_document(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Document()
    except OSError as error:
        return Document(problem=f"it cannot be read ({error.strerror or type(error).__name__})")


def parse_document(content: bytes) -> Document:  # noqa: PLR0911 - one problem each
    r"""Parse a JSON object as the standard defines it: UTF-8, one value per name, no NaN.

    Examples:
        >>> parse_document(b'{"model_type": "wav2vec2"}').content
        {'model_type': 'wav2vec2'}
        >>> parse_document(b'{"a": 1, "a": 2}').problem
        "it gives 'a' twice, with two values"
        >>> parse_document(b"[]").problem
        'it is no JSON object but an array'
    """
    if content.startswith(_GIT_LFS):
        return Document(problem="it is a pointer of Git LFS: its content was never uploaded")
    try:
        parsed: Any = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # JSON can spell half of a character, or a number beyond all bounds, which nothing that we write could hold.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeError:
        return Document(problem="it is not Unicode text in UTF-8")
    except RecursionError:
        return Document(problem="it is nested too deeply")
    except json.JSONDecodeError as error:
        return Document(problem=f"it is not JSON ({error.msg}, line {error.lineno})")
    except ValueError as error:
        return Document(problem=str(error))
    if not isinstance(parsed, dict):
        kind = "an array" if isinstance(parsed, list) else f"a {type(parsed).__name__}"
        return Document(problem=f"it is no JSON object but {kind}")
    return Document(parsed)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        # The same value twice is no contradiction, and transformers loads it; 1 and true are not the same.
        if name in content and json.dumps(content[name]) != json.dumps(value):
            raise ValueError(f"it gives {name[:80]!r} twice, with two values")
        content[name] = value
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is not JSON")


def foreign_kind(first: bytes) -> str | None:
    r"""Say what a file is by its first bytes, as the rest of a sentence that begins with its name; None where unknown.

    Examples:
        >>> foreign_kind(b"\x1f\x8b\x08\x00")
        'is compressed with gzip, which transformers does not unpack'
        >>> foreign_kind(b"  <HTML><body>404"), foreign_kind(b"\x80\x02}q\x00.")
        ('is a web page', None)
    """
    if first.startswith(_GIT_LFS):
        return "is a pointer of Git LFS: its weights were never uploaded"
    for magic, program in _COMPRESSED.items():
        if first.startswith(magic):
            return f"is compressed with {program}, which transformers does not unpack"
    if first[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        return "is a tar archive, which transformers does not unpack"
    if first and not any(first):
        return "holds nothing but zeros"
    begin = first[:64].lstrip().lower()
    return next((kind for magic, kind in _KINDS.items() if begin.startswith(magic.lower())), None)


def is_safetensors(first: bytes) -> bool:
    """Whether a file begins with the length of a JSON object and that object, as safetensors files do."""
    return 0 < int.from_bytes(first[:8], "little") < _LARGEST_HEADER_BYTES and first[8:].startswith(b"{")
