"""The facts of a folder on this machine, whose revision is a hash of its content."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import psutil

from benchmark.hub.json_documents import describe
from benchmark.hub.ranged import RepositoryFiles
from benchmark.hub.repository_facts import HubFailure, RepoFacts, RepoFile, storable, unreachable
from benchmark.hub.weights import files_to_load, total_size
from benchmark.results.status import Status

_HASH_DIGITS = 40  # as many as a commit sha has
_MOST_SUBFOLDERS, _MOST_BELOW = 32, 200


def local_facts(id: str, folder: Path, *, onnx: str | None = None, tokenizer: bool = False) -> RepoFacts | HubFailure:
    """Find out what a local folder holds.

    Args:
        id: Its name in the registry.
        folder: Where it is.
        onnx: The ONNX file in it that is loaded instead of a checkpoint.
        tokenizer: Whether a load reads a tokenizer, too.
    """
    shown = storable(str(folder))
    try:
        if not folder.exists():
            return HubFailure(Status.NOT_FOUND, f"there is no folder {shown}")
        if not folder.is_dir():
            reason = f"{shown} is a file: name the folder that holds config.json and the weights"
            return HubFailure(Status.NOT_FOUND, reason)
        files = tuple(_list_files(folder))
        own = RepoFacts(id=id, revision="", files=files, folder=folder.resolve(), onnx=onnx, tokenizer=tokenizer)
        facts = describe(own, folder)
        repository = RepositoryFiles(folder)
        needed = files_to_load(facts.files, facts.config, repository, onnx=onnx, tokenizer=tokenizer)
        size, memory = total_size(needed) or 0, psutil.virtual_memory().total
        if size > memory:  # it would take minutes to hash, too
            reason = (
                f"a load reads {size / 1e9:.1f} GB of {shown}, and this machine has {memory / 1e9:.1f} GB of memory"
            )
            return HubFailure(Status.SKIPPED, reason)
        return replace(facts, revision=_content_hash(folder, facts, needed))
    except OSError as error:
        return unreachable(f"{shown} cannot be read ({error.strerror or type(error).__name__})")


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


def _content_hash(folder: Path, facts: RepoFacts, needed: Sequence[RepoFile]) -> str:
    """Hash names and contents of the files that a load reads, or the names of all files where it reads none."""
    whole = hashlib.sha256()
    for file in sorted(needed, key=lambda file: file.name):
        path = (folder / file.name).resolve()
        state = path.stat()
        whole.update(f"{file.name}\0{_file_hash(path, state.st_size, state.st_mtime_ns)}\n".encode())
    if not needed:
        whole.update("\n".join(file.name for file in facts.files).encode())
    return whole.hexdigest()[:_HASH_DIGITS]


@cache
def _file_hash(path: Path, _size: int, _modified_ns: int) -> str:
    """Hash a file, once per process unless its size or time changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
