"""The worker that lists, reads and writes the objects of a shared store."""

import errno
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from benchmark.corpora.fetch_actor import FetchError, file_system

_AT_ONCE = 8
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL|CONNECTION_STRING|SIGNATURE")
_SHORTEST_SECRET = 8


class ObjectStoreActor:
    """Lists, reads and writes objects, several at once; each method answers with a `problem` or a `result`."""

    def list_objects(self, address: str, folders: Sequence[str]) -> dict[str, Any]:
        """Sizes in bytes, by name."""

        def list_folder(system: Any, root: str, folder: str) -> dict[str, int]:
            found = system.find(f"{root}/{folder}", detail=True)
            return {
                path.removeprefix(f"{root}/"): int(details.get("size") or 0)
                for path, details in found.items()
                if path.startswith(f"{root}/{folder}/")
            }

        answer = _answer(address, "read", list_folder, folders)
        if answer["problem"] is None:
            answer["result"] = {name: size for sizes in answer["result"] for name, size in sizes.items()}
        return answer

    def read_objects(self, address: str, names: Sequence[str]) -> dict[str, Any]:
        """Contents, None for what is missing."""

        def read(system: Any, root: str, name: str) -> Any:
            content = _content(system, f"{root}/{name}")
            return None if content is None else np.frombuffer(content, np.uint8)

        return _answer(address, "read", read, names)

    def create_objects(self, address: str, names: Sequence[str], contents: Sequence[Any]) -> dict[str, Any]:
        """The names under which something else lies."""
        by_name = dict(zip(names, contents, strict=True))

        def create(system: Any, root: str, name: str) -> str | None:
            return None if _create(system, f"{root}/{name}", by_name[name].tobytes()) else name

        answer = _answer(address, "written", create, names)
        if answer["problem"] is None:
            answer["result"] = [name for name in answer["result"] if name is not None]
        return answer

    def delete_objects(self, address: str, names: Sequence[str]) -> dict[str, Any]:
        """Nothing."""

        def delete(system: Any, root: str, name: str) -> None:
            with suppress(FileNotFoundError):
                system.rm_file(f"{root}/{name}")

        return _answer(address, "written", delete, names)


def _answer(address: str, doing: str, method: Callable[[Any, str, str], Any], names: Sequence[str]) -> dict[str, Any]:
    """Call a method for all names, with a file system and the root of the store in it."""
    try:
        with file_system(address, doing=doing) as (system, root), ThreadPoolExecutor(_AT_ONCE) as pool:
            system.invalidate_cache()
            result = list(pool.map(partial(method, system, root.rstrip("/")), names))
        return {"problem": None, "result": result}
    except FetchError as error:
        return {"problem": error.problem, "reason": _without_secrets(error.reason)}


def _content(system: Any, path: str) -> bytes | None:
    try:
        return bytes(system.cat_file(path))
    except FileNotFoundError:
        return None


def _create(system: Any, path: str, content: bytes) -> bool:
    """Write an object, unless there is one; returns whether it has this content."""
    try:
        system.pipe_file(path, content, mode="create")
    except FileNotFoundError:
        raise
    except Exception as error:  # services differ in what they say where an object is
        if (present := _content(system, path)) is not None:
            return present == content
        if not isinstance(error, OSError) or error.errno != errno.ENOSYS:
            raise
        system.pipe_file(path, content)  # a service without conditional writes: nothing was there just now
    return True


def _without_secrets(text: str) -> str:
    """Hide the values of variables that may hold credentials, whatever a library writes into its errors."""
    for name, value in os.environ.items():
        if _SECRET.search(name.upper()) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "…")
    return text
