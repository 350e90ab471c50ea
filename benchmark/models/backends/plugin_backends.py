"""Backends that installed packages add: how a model is converted for one, and how it is opened."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmark.errors import RequestError
from benchmark.models.backends.protocol import Backend, Streams
from benchmark.plugins import Group, load_plugin, plugin_names

# Names of folders in the cache are made of it.
_NAME = re.compile(r"[a-z]+")


class Open(Protocol):
    """Loads what `AddedBackend.write` has written."""

    def __call__(self, path: Path, *, dtype: str, streams: Streams) -> Backend:
        """Open a converted model, for as many threads at once as there are streams.

        Raises:
            BackendError: This machine cannot compute it so.
        """


@dataclass(frozen=True, kw_only=True)
class AddedBackend:
    """A backend for converted models on the CPU, as an entry point of the group `bench.backends` names one.

    It is compared with torch before its answers count, as every other backend.

    Attributes:
        write: Writes a model into an empty folder and gives the name of the file to open. It gets a module of torch
            whose inputs, in their order, are the tensors of the mapping, and whose only output is the logits; all but
            models of a fixed window are to take a time axis (the second) of any length.
        open: Opens that file, in another process.
        libraries: Packages whose versions decide the answers, so that another version computes them again.
        dtypes: The number formats that it computes in; the first one unless the user names another.
    """

    write: Callable[[Any, Mapping[str, Any], Path], str]
    open: Open
    libraries: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ("float32",)


def added_names() -> tuple[str, ...]:
    """Name the backends that installed packages add; none of their code runs."""
    return plugin_names(Group.BACKENDS)


def added_backend(name: str) -> AddedBackend:
    """Give a backend that an installed package adds.

    Raises:
        RequestError: None of this name is added, or what is added is no backend.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(f"The backend {name!r} of an installed package needs a name of small letters only.")
    backend = load_plugin(Group.BACKENDS, name)
    if not isinstance(backend, AddedBackend):
        raise RequestError(f"The package that adds the backend {name!r} must name an AddedBackend.")
    return backend
