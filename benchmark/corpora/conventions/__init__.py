"""The corpora whose file names, or own label files, say what a clip is; installed packages may add more."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from benchmark.corpora.conventions import crema_d, emodb, emovo, iemocap, ravdess, savee, tess
from benchmark.corpora.folder import FolderContents
from benchmark.errors import RequestError
from benchmark.plugins import Group, load_plugin, plugin_names

Convention = Callable[[Path], FolderContents]

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "ravdess": ravdess.read,
        "crema-d": crema_d.read,
        "tess": tess.read,
        "savee": savee.read,
        "emodb": emodb.read,
        "emovo": emovo.read,
        "iemocap": iemocap.read,
    }
)
"""Kind of SPEC → what reads a folder of that corpus."""


def convention_names() -> tuple[str, ...]:
    """Name all kinds of SPEC that are corpora, those of installed packages last."""
    return tuple(dict.fromkeys((*CONVENTIONS, *plugin_names(Group.CORPORA))))


def convention(kind: str) -> Convention:
    """Find what reads a folder of a corpus.

    Args:
        kind: One of `convention_names()`.

    Raises:
        RequestError: Nothing of this name is known, or the package that adds it is broken.
    """
    return CONVENTIONS[kind] if kind in CONVENTIONS else _Added(kind)


class _Added:
    """A convention of an installed package, whose mistakes are told as its own."""

    def __init__(self, kind: str) -> None:
        read = load_plugin(Group.CORPORA, kind)
        if not callable(read):
            raise RequestError(f"The package that adds the corpus {kind!r} must name a function that reads a folder.")
        self._kind = kind
        self._read: Callable[[Path], object] = read

    def __call__(self, folder: Path) -> FolderContents:
        contents = self._read(folder)
        if not isinstance(contents, FolderContents):
            raise RequestError(
                f"The package that adds the corpus {self._kind!r} returned {type(contents).__name__} for a folder, "
                "and not FolderContents."
            )
        return contents
