"""What all stored things share: strict fields, a version of their schema, and how versions are held against ours."""

import json
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.errors import RequestError


class Stored(BaseModel):
    """A part of something stored: immutable, and a field that the schema does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredFile(Stored):
    """Something stored in a JSON file of its own.

    Attributes:
        SCHEMA_VERSION: Raised whenever the meaning or the fields change; an old file is read as absent.
    """

    SCHEMA_VERSION: ClassVar[int]
    schema_version: int

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the file at `path`.

        Returns:
            What it holds; None where there is no such file, where an earlier version of bench wrote it, or where
            it was cut off: what can be made again is not worth an error.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            stored = cls.model_validate_json(content)
        except ValidationError:
            require_known_version(_version(content), cls.SCHEMA_VERSION, path)
            return None
        require_known_version(stored.schema_version, cls.SCHEMA_VERSION, path)
        says_so = "schema_version" in stored.model_fields_set  # and does not merely get our version for want of one
        return stored if says_so and stored.schema_version == cls.SCHEMA_VERSION else None


def _version(content: bytes) -> object:
    """Find out the version of what is in another form than ours."""
    try:
        found: Any = json.loads(content)
    except ValueError:
        return None
    return found.get("schema_version") if isinstance(found, dict) else None


def require_known_version(found: object, known: int, path: Path) -> None:
    """Refuse what a newer version of bench has written.

    Raises:
        RequestError: `found` is a version above `known`.
    """
    if isinstance(found, int) and found > known:
        raise RequestError(
            f"{path} was written by a newer version of bench (schema {found}, this one knows {known}): "
            "upgrade with `pip install -U ser-bench`, or choose another folder with BENCH_CACHE."
        )
