"""Plugins: corpora, heads, backends, metrics and registries that installed packages add through entry points.

A package names them in its `pyproject.toml`; bench reads only the names until a user requests one:

    [project.entry-points."bench.corpora"]
    casual = "my_plugin.casual:read"
"""

import importlib.util
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from benchmark.errors import RequestError


class Group(StrEnum):
    """The groups of entry points, and what an entry of each names."""

    CORPORA = "bench.corpora"
    """Kind of SPEC → a function from a folder to `benchmark.corpora.folder.FolderContents`."""
    HEADS = "bench.heads"
    """Any name → a `benchmark.models.heads.HeadLayout`."""
    BACKENDS = "bench.backends"
    """`--backend` → a `benchmark.models.backends.plugin_backends.AddedBackend`."""
    METRICS = "bench.metrics"
    """`--metric` → a module of the library `evaluate`."""
    CANDIDATES = "bench.candidates"
    """`--candidates` → the path of a registry file."""


def plugin_names(group: Group) -> tuple[str, ...]:
    """List the entries of a group in alphabetical order, without running their code.

    Examples:
        >>> plugin_names(Group.CORPORA)
        ()
    """
    return tuple(sorted(entry_points(group=group).names))


def load_plugin(group: Group, name: str) -> object:
    """Import the object that an entry point names, which runs code of the package.

    Raises:
        RequestError: There is none of this name, two packages add it, or it cannot be imported.
    """
    entry = _entry(group, name)
    try:
        return entry.load()
    except Exception as error:
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error


def plugin_file(group: Group, name: str) -> Path:
    """Find the Python file of the module that a package adds, without running it.

    Raises:
        RequestError: There is none of this name, two packages add it, or it is no module with a file.
    """
    entry = _entry(group, name)
    try:
        spec = importlib.util.find_spec(entry.module)
    except ImportError as error:
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error
    if spec is None or spec.origin is None:
        raise _unusable(entry, f"there is no module {entry.module}")
    return Path(spec.origin)


def _entry(group: Group, name: str) -> EntryPoint:
    # A package that lies on the path twice (in a folder and installed) names the same object twice.
    entries = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if not entries:
        raise RequestError(f"No installed package adds {name!r} to {group}; install the one that does with pip.")
    if len(entries) > 1:
        values = " and ".join(sorted(entries))
        raise RequestError(f"More than one installed package adds {name!r} to {group} ({values}); uninstall one.")
    return next(iter(entries.values()))


def _unusable(entry: EntryPoint, problem: str) -> RequestError:
    package = entry.dist.name if entry.dist is not None else "a package"
    detail = " ".join(problem.split())
    return RequestError(
        f"{package} adds {entry.name!r} to {entry.group} as {entry.value}, which cannot be used ({detail}); "
        f"repair it, or `pip uninstall {package}`."
    )
