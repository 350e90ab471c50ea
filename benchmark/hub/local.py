"""The facts of a folder on this machine, whose revision is a hash of its content."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmark.hub.documents import read_config, read_preprocessor
from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile, storable, unreachable
from benchmark.hub.ranged import RepositoryFiles
from benchmark.hub.weights import files_to_load
from benchmark.results.status import Status

_HASH_DIGITS = 40
_MOST_SUBFOLDERS, _MOST_BELOW = 32, 200
_hashes: dict[tuple[str, int, int], str] = {}
_hashes_lock = threading.Lock()


def local_facts(id: str, folder: Path) -> RepoFacts | HubFailure:
    """Find out what a local folder holds.

    Args:
        id: Its name in the registry.
        folder: Where it is.

    Returns:
        The facts, with a content hash as the revision, or why there are none.
    """
    shown = storable(str(folder))
    try:
        if not folder.exists():
            return HubFailure(Status.NOT_FOUND, f"there is no folder {shown}")
        if not folder.is_dir():
            reason = f"{shown} is a file: name the folder that holds config.json and the weights"
            return HubFailure(Status.NOT_FOUND, reason)
        files = tuple(_list_files(folder))
        config = read_config(folder)
        revision = content_hash(folder, files, files_to_load(files, config.content, RepositoryFiles(folder)))
    except OSError as error:
        return unreachable(f"{shown} cannot be read ({error.strerror or type(error).__name__})")
    preprocessor = read_preprocessor(folder)
    return RepoFacts(
        id=id,
        revision=revision,
        files=files,
        config=config.content,
        config_problem=config.problem,
        preprocessor=preprocessor.content,
        preprocessor_problem=preprocessor.problem,
        folder=folder.resolve(),
    )


def _list_files(folder: Path) -> Iterator[RepoFile]:
    """List the files of a folder, and those one level below, which show what was put in the wrong place."""
    entries = sorted(folder.iterdir())
    for path in entries:
        if path.is_file():
            yield RepoFile(storable(path.name), path.stat().st_size)
    for subfolder in [path for path in entries if path.is_dir()][:_MOST_SUBFOLDERS]:
        with contextlib.suppress(OSError):  # a subfolder need not be readable
            for path in sorted(islice(subfolder.iterdir(), _MOST_BELOW)):
                if path.is_file():
                    yield RepoFile(storable(f"{subfolder.name}/{path.name}"), path.stat().st_size)


def content_hash(folder: Path, files: tuple[RepoFile, ...], needed: tuple[RepoFile, ...]) -> str:
    """Hash names and contents of the files that a load reads, or the names of all files where it reads none.

    Returns:
        40 hexadecimal digits, as many as a commit sha has.

    Raises:
        OSError: A file cannot be read.
    """
    whole = hashlib.sha256()
    for file in sorted(needed, key=lambda file: file.name):
        whole.update(f"{file.name}\0{_file_hash(folder / file.name)}\n".encode())
    if not needed:
        whole.update("\n".join(file.name for file in files).encode())
    return whole.hexdigest()[:_HASH_DIGITS]


def _file_hash(path: Path) -> str:
    """Hash a file, once per process unless its size or time changes."""
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    with _hashes_lock:
        known = _hashes.get(key)
    if known is None:
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
        with _hashes_lock:
            _hashes[key] = known
    return known
