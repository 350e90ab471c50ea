"""Check everything in a cache against its checksums. Nothing is changed."""

from pathlib import Path

from benchmark.errors import RequestError
from benchmark.results.cache_entries import SIDECAR_SUFFIX, CacheKind, Sidecar
from benchmark.results.checksums import DamagedError, read_manifest, read_regular, require_sha256
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.storage import DAMAGED_SUFFIX, Storage


class DamagedFile(Stored):
    """A part, a folder or a download that is not what was written.

    Attributes:
        kind: None if its sidecar cannot be read, which says it, and for downloads.
    """

    path: str
    kind: CacheKind | None = None
    problem: str


class CacheCheck(StoredFile):
    """The result of a check.

    Attributes:
        entries: How many parts and folders have been checked.
        downloads: How many files of models in the cache of huggingface_hub have been checked.
    """

    cache: str
    entries: int
    downloads: int = 0
    damaged: tuple[DamagedFile, ...]


def check_cache(cache: Path) -> CacheCheck:
    """Read all parts and folders of a cache, and compare them with their checksums."""
    storage = Storage(cache.resolve())
    damaged: list[DamagedFile] = []
    entries = 0
    for name in [stored.name for stored in storage.list() if stored.name.endswith(SIDECAR_SUFFIX)]:
        part, kind = name.removesuffix(SIDECAR_SUFFIX), None
        if DAMAGED_SUFFIX in part:  # within a folder that was set aside
            continue
        try:
            sidecar = Sidecar.parse(storage.read(name), name)
            if sidecar is not None:
                kind = sidecar.kind
                _check(storage.root / part, sidecar)
        except DamagedError as error:
            damaged.append(DamagedFile(path=part, kind=kind, problem=str(error)))
        except (FileNotFoundError, RequestError):  # a leftover, and of a newer version of bench
            continue
        entries += 1
    return CacheCheck(cache=str(cache.absolute()), entries=entries, damaged=tuple(damaged))


def _check(path: Path, sidecar: Sidecar) -> None:
    if sidecar.sha256 is None:
        read_manifest(path)
    else:
        require_sha256(read_regular(path), sidecar.sha256)
