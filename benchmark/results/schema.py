"""Base classes of everything stored: strict fields, a schema version, and what happens to other versions."""

import json
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.errors import RequestError


class Stored(BaseModel):
    """A part of something stored: immutable; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredFile(Stored):
    """A JSON document with a schema version.

    A class raises the default of `schema_version` whenever its fields or their meaning change; older documents are then
    read as absent.
    """

    schema_version: int = 1

    @classmethod
    def known_version(cls) -> int:
        """The schema version that this version of bench writes and reads."""
        return int(cls.model_fields["schema_version"].default)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the document at `path`; None if there is none that `parse` accepts.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        try:
            return cls.parse(path.read_bytes(), path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    @classmethod
    def parse(cls, content: bytes, source: Path | str) -> Self | None:
        """Validate a document; None if an earlier version of bench wrote it or it was cut off.

        Args:
            content: The JSON text.
            source: Its path, for the message.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        try:
            document = cls.model_validate_json(content)
        except ValidationError:
            require_known_version(_version(content), cls.known_version(), source)
            return None
        require_known_version(document.schema_version, cls.known_version(), source)
        has_version = "schema_version" in document.model_fields_set  # not merely the default
        return document if has_version and document.schema_version == cls.known_version() else None


def require_known_version(version: object, known: int, source: Path | str) -> None:
    """Refuse what a newer version of bench has written.

    Raises:
        RequestError: `version` is above `known`.
    """
    if isinstance(version, int) and version > known:
        raise RequestError(
            f"{source} was written by a newer version of bench (schema {version}, this one knows {known}): "
            "upgrade with `pip install -U ser-bench`, or choose another folder with BENCH_CACHE."
        )


def _version(content: bytes) -> object:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document.get("schema_version") if isinstance(document, dict) else None
