"""What the library's cache knows of a repository, for those who may not ask the Hub.

The layout of that cache is documented: `models--<org>--<name>/refs/<branch>` holds a sha, and
`models--<org>--<name>/snapshots/<sha>/` the files of that revision that were ever asked for.
"""

import contextlib
import re
from pathlib import Path

from benchmark.hub.documents import read_config, read_document, read_preprocessor
from benchmark.hub.facts import RepoFacts, RepoFile, storable
from benchmark.hub.weights import weight_files

_COMMIT = re.compile(r"[0-9a-f]{40}")


_REFERENCE = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


_DEFAULT_BRANCH = "main"


def snapshot_folder(cache: Path, id: str, sha: str) -> Path:
    """Name the folder that holds the files of one revision."""
    return repository_folder(cache, id) / "snapshots" / sha


def repository_folder(cache: Path, id: str) -> Path:
    """Name the folder that holds all that is cached of a repository."""
    return cache / ("models--" + id.replace("/", "--"))


def remember_revision(cache: Path, id: str, revision: str | None, sha: str) -> None:
    """Note which commit a branch was at, as the library does for what it fetches by the name of a branch.

    We fetch by sha only; without this note nobody could find those files again by the branch's name.
    """
    path = _reference(cache, id, revision)
    if path is None or not repository_folder(cache, id).is_dir():
        return
    # The note is a comfort; a cache that is read-only can do without.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sha, encoding="ascii")


def cached_facts(cache: Path, id: str, revision: str | None) -> RepoFacts | None:
    """Read the facts of a repository from the library's cache.

    Args:
        cache: The library's cache folder.
        id: The repository.
        revision: A branch, a tag or a sha; the default branch where None.

    Returns:
        The facts, as far as files were ever fetched; None where none of that revision were.
    """
    sha = _resolve(cache, id, revision)
    if sha is None:
        return None
    folder = snapshot_folder(cache, id, sha)
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        files = tuple(RepoFile(storable(path.name), path.stat().st_size) for path in paths)
    except OSError:
        return None
    config, preprocessor = read_config(folder), read_preprocessor(folder)
    return RepoFacts(
        id=id,
        revision=sha,
        files=files,
        config=config.content,
        config_problem=config.problem,
        preprocessor=preprocessor.content,
        preprocessor_problem=preprocessor.problem,
        partial=True,
    )


def weights_are_cached(folder: Path, facts: RepoFacts) -> bool:
    """Whether all the weights of a revision are there, every shard that their index names included."""
    weights = weight_files(facts.files, facts.config)
    if weights is None:
        return False
    if not weights.entry.name.endswith(".index.json"):
        return True
    places = (read_document(folder / weights.entry.name).content or {}).get("weight_map")
    return isinstance(places, dict) and set(places.values()) <= facts.names


def _reference(cache: Path, id: str, revision: str | None) -> Path | None:
    name = revision or _DEFAULT_BRANCH
    if _COMMIT.fullmatch(name) or not _REFERENCE.fullmatch(name) or ".." in name:
        return None
    return repository_folder(cache, id) / "refs" / name


def _resolve(cache: Path, id: str, revision: str | None) -> str | None:
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    path = _reference(cache, id, revision)
    try:
        sha = path.read_text(encoding="ascii").strip() if path else ""
    except (OSError, UnicodeDecodeError):
        return None
    return sha if _COMMIT.fullmatch(sha) else None
