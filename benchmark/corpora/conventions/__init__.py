"""Corpora whose file names, or own label files, say what a clip is; installed packages may add more."""

from collections.abc import Callable, Mapping
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from benchmark.errors import RequestError
from benchmark.plugins import Group, load_plugin, plugin_names

if TYPE_CHECKING:
    from benchmark.corpora.folder import FolderContents

Convention = Callable[[Path], "FolderContents"]

CONVENTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ravdess": "ravdess:read",
        "crema-d": "crema_d:read",
        "tess": "tess:NAMING.read",
        "savee": "savee:NAMING.read",
        "emodb": "emodb:NAMING.read",
        "emovo": "emovo:NAMING.read",
        "iemocap": "iemocap:read",
    }
)
"""Kind of SPEC → module and name of the function that reads a folder of that corpus; imported when it is read."""


def convention_names() -> tuple[str, ...]:
    """Name all kinds of SPEC that are corpora; those of installed packages come last."""
    return tuple(dict.fromkeys((*CONVENTIONS, *plugin_names(Group.CORPORA))))


def convention(kind: str) -> Convention:
    """Find the function that reads a folder of a corpus.

    Args:
        kind: One of `convention_names()`.

    Raises:
        RequestError: The package that adds the corpus is broken.
    """
    if kind in CONVENTIONS:
        module, _, name = CONVENTIONS[kind].partition(":")
        return cast("Convention", attrgetter(name)(import_module(f"{__name__}.{module}")))
    from benchmark.corpora.folder import FolderContents  # noqa: PLC0415 - the names alone need no reader

    read = load_plugin(Group.CORPORA, kind)
    if not callable(read):
        raise RequestError(f"The package that adds the corpus {kind!r} must name a function that reads a folder.")

    def read_checked(folder: Path) -> "FolderContents":
        contents = read(folder)
        if not isinstance(contents, FolderContents):
            raise RequestError(
                f"The package that adds the corpus {kind!r} returned {type(contents).__name__} for a folder, "
                "and not FolderContents."
            )
        return contents

    return read_checked
