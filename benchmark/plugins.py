"""Plugins: corpora, heads, backends, metrics and registries that packages add through entry points, or files.

A package names them in its `pyproject.toml`; bench reads only the names until a user requests one:

    [project.entry-points."bench.corpora"]
    casual = "my_plugin.casual:read"

A file that `--plugin` names has them in a table, by the same groups without `bench.`; its code runs at once:

    PLUGINS = {"corpora": {"casual": read}}
"""

import hashlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from benchmark.errors import RequestError, did_you_mean

TABLE = "PLUGINS"


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


_OF_PATHS = frozenset({Group.METRICS, Group.CANDIDATES})
"""In a file these name files, relative to its folder."""


@dataclass
class _PluginFile:
    """A file of the user's; it is loaded when something of it is looked up."""

    path: Path
    digest: str
    table: Mapping[str, Mapping[str, Any]] | None = None

    def group(self, group: Group) -> Mapping[str, Any]:
        if self.table is None:
            self.table = _load_table(self.path, self.digest)
        return self.table.get(group.removeprefix("bench."), {})


_files: list[_PluginFile] = []


def use_plugin_files(paths: Sequence[str], *, load: bool = True) -> None:
    """Add what files of the user's have, in place of earlier ones; a file that has not changed is not run again.

    Args:
        paths: The files.
        load: Run them now, so that their mistakes show; else when something of them is looked up.

    Raises:
        RequestError: One is missing or cannot be used.
    """
    known = {(own.path, own.digest): own for own in _files}
    chosen = []
    for text in dict.fromkeys(paths):
        path = Path(text).absolute()
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise RequestError(f"--plugin {text}: it cannot be read ({error.strerror or error}).") from error
        chosen.append(known.get((path, digest)) or _PluginFile(path, digest))
    _files[:] = chosen
    if load:
        for own in chosen:
            own.group(Group.HEADS)


def plugin_files() -> tuple[str, ...]:
    """The files in use, for a worker that is to use them as well."""
    return tuple(str(own.path) for own in _files)


def plugin_digests() -> tuple[str, ...]:
    """Hashes of the files in use."""
    return tuple(own.digest for own in _files)


def plugin_digest(group: Group, name: str) -> str | None:
    """A hash of the file that has an entry; None where no file has it."""
    return next((own.digest for own in _files if name in own.group(group)), None)


def plugin_names(group: Group) -> tuple[str, ...]:
    """List the entries of a group in alphabetical order, without running code of packages.

    Examples:
        >>> plugin_names(Group.CORPORA)
        ()
    """
    of_files = [name for own in _files for name in own.group(group)]
    return tuple(sorted({*entry_points(group=group).names, *of_files}))


def load_plugin(group: Group, name: str) -> object:
    """Import the object that an entry point names, which runs code of the package, or take that of a file.

    Raises:
        RequestError: There is none of this name, two packages add it, or it cannot be imported.
    """
    if (own := _of_file(group, name)) is not None:
        return own.path.parent / str(own.group(group)[name]) if group in _OF_PATHS else own.group(group)[name]
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
    if (own := _of_file(group, name)) is not None:
        return own.path.parent / str(own.group(group)[name])
    entry = _entry(group, name)
    try:
        spec = importlib.util.find_spec(entry.module)
    except ImportError as error:
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error
    if spec is None or spec.origin is None:
        raise _unusable(entry, f"there is no module {entry.module}")
    return Path(spec.origin)


def _of_file(group: Group, name: str) -> _PluginFile | None:
    having = [own for own in _files if name in own.group(group)]
    packages = [entry.value for entry in entry_points(group=group, name=name)]
    if len(having) + bool(packages) > 1 and having:
        others = [str(own.path) for own in having[1:]] or packages
        raise RequestError(f"Both {having[0].path} and {others[0]} add {name!r} to {group}; leave one of them out.")
    return having[0] if having else None


def _load_table(path: Path, digest: str) -> Mapping[str, Mapping[str, Any]]:
    name = f"bench_plugin_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RequestError(f"--plugin {path}: it is no Python file; its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody's code raises
        del sys.modules[name]
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        raise RequestError(f"--plugin {path}: it cannot be used ({detail}).") from error
    table = getattr(module, TABLE, None)
    groups = [group.removeprefix("bench.") for group in Group]
    if not isinstance(table, dict) or not all(isinstance(entries, dict) for entries in table.values()):
        example = f"{TABLE} = {{'heads': {{'my-head': HEAD}}}}"
        raise RequestError(f"--plugin {path}: it has no table such as {example}; the groups are {', '.join(groups)}.")
    if unknown := [group for group in table if group not in groups]:
        hint = did_you_mean(str(unknown[0]), groups, otherwise="the groups are")
        raise RequestError(f"--plugin {path}: {TABLE} has an unknown group {unknown[0]!r}{hint}.")
    return table


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
