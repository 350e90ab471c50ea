"""A converted model on disk: what it was made from and by, and whether it is still what was written."""

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmark.models.backends.features import FeatureRecipe
from benchmark.models.reports import LoadReport

_MANIFEST = "converted.json"
_FORMAT = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ConvertedModel:
    """A converted model that is whole.

    Attributes:
        folder: Where it lies.
        model: The file to open, within the folder.
        digest: A hash over all its files and what goes into it: two models of one digest answer the same.
        recipe: What goes into it.
        report: What loading the checkpoint found out.
        seconds: How long the conversion took.
    """

    folder: Path
    model: str
    digest: str
    recipe: FeatureRecipe
    report: LoadReport
    seconds: float

    @property
    def path(self) -> Path:
        """The file to open."""
        return self.folder / self.model

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Open a converted model; None where there is none, or one that is not whole any more."""
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            if manifest["format"] != _FORMAT or _sizes_and_hashes(folder, manifest["files"]) != manifest["files"]:
                return None
            return cls(
                folder=folder,
                model=manifest["model"],
                digest=_digest({key: manifest[key] for key in ("files", "model", "recipe")}),
                recipe=FeatureRecipe.from_plain(manifest["recipe"]),
                report=LoadReport.from_plain(manifest["report"]),
                seconds=float(manifest["seconds"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @classmethod
    def write(cls, folder: Path, make: "Callable[[Path], NewModel]") -> Self:
        """Make a converted model and give it its name once it is whole; what was there before is replaced.

        Args:
            folder: The name to take.
            make: Writes the model's files into the folder it is given, and says what they are.

        Raises:
            OSError: The folder cannot be written.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
        temporary.mkdir()
        try:
            made = make(temporary)
            manifest = {
                "format": _FORMAT,
                "model": made.model,
                "files": _sizes_and_hashes(temporary, [path.name for path in temporary.iterdir()]),
                "recipe": made.recipe.as_plain(),
                "report": made.report.as_plain(),
                "seconds": made.seconds,
            }
            (temporary / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            _replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        written = cls.open(folder)
        if written is None:
            raise OSError(f"{folder} is not what was written")
        return written


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A model that has just been converted.

    Attributes:
        model: The file to open.
        recipe: What goes into it.
        report: What loading the checkpoint found out.
        seconds: How long the conversion took.
    """

    model: str
    recipe: FeatureRecipe
    report: LoadReport
    seconds: float


def _sizes_and_hashes(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {name: _size_and_hash(folder / Path(name).name) for name in sorted(names)}


def _size_and_hash(path: Path) -> dict[str, Any]:
    content = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            content.update(block)
            size += len(block)
    return {"size": size, "sha256": content.hexdigest()}


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _replace(new: Path, folder: Path) -> None:
    """Put a folder in the place of another; a reader sees the one, or for an instant none."""
    old = new.with_name(f"{new.name}.old")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was quicker, with the same model
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
