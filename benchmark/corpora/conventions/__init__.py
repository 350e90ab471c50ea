"""The corpora whose file names, or own label files, say what a clip is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from benchmark.corpora.conventions import crema_d, emodb, emovo, iemocap, ravdess, savee, tess
from benchmark.corpora.folder import FolderContents

CONVENTIONS: Mapping[str, Callable[[Path], FolderContents]] = MappingProxyType(
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
