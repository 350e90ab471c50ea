"""JSON files of a repository: parsed strictly, since whoever wrote them may be careless or hostile."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.hub.foreign_content import GIT_LFS

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
