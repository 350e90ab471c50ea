"""Converted models: on disk, with a manifest that says whether they are whole, and loaded. torch is not needed here."""

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.features import FeatureRecipe
from benchmark.models.backends.plugin_backends import Open, added_backend, added_names
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, Backend, BackendError, Engine, Streams
from benchmark.models.load_reports import LoadReport
from benchmark.models.speech_model import SpeechModel
from benchmark.results.checksums import DamagedError, read_manifest, write_manifest

_FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class ConvertedModel:
    """A converted model on disk that is whole.

    Attributes:
        model: Name of the file to open.
        digest: A hash over its files and its recipe: two models of one digest answer the same.
        recipe: How its inputs are made.
        report: The report of the checkpoint's load.
        seconds: How long the conversion took.
    """

    folder: Path
    model: str
    digest: str
    recipe: FeatureRecipe
    report: LoadReport
    seconds: float

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Read a manifest and check the files against it; None where there is none, or a file is not what it was."""
        try:
            manifest = read_manifest(folder)
            if manifest["format"] != _FORMAT:
                return None
            content = json.dumps({key: manifest[key] for key in ("files", "model", "recipe")}, sort_keys=True)
            return cls(
                folder=folder,
                model=manifest["model"],
                digest=hashlib.sha256(content.encode()).hexdigest()[:16],
                recipe=FeatureRecipe.from_plain(manifest["recipe"]),
                report=LoadReport.from_plain(manifest["report"]),
                seconds=float(manifest["seconds"]),
            )
        except (DamagedError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @classmethod
    def write(cls, folder: Path, report: LoadReport, make: Callable[[Path], tuple[str, FeatureRecipe]]) -> Self:
        """Convert a model into a temporary folder, and rename that once it is whole; an older model is replaced.

        Args:
            folder: The final folder.
            report: The report of the checkpoint's load.
            make: Writes the model's files into a folder; returns the name of the file to open, and the recipe.

        Raises:
            OSError: The folder cannot be written.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
        temporary.mkdir()
        try:
            begin = time.perf_counter()
            model, recipe = make(temporary)
            seconds = time.perf_counter() - begin
            details = {"model": model, "recipe": asdict(recipe), "report": asdict(report), "seconds": seconds}
            write_manifest(temporary, format=_FORMAT, **details)
            _replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        written = cls.open(folder)
        if written is None:
            raise OSError(f"{folder} is not what was written")
        return written

    def load(
        self, engine: Engine, *, streams: Streams, folder: Path, preprocessor: Mapping[str, Any] | None
    ) -> "FastModel":
        """Open the model in its backend.

        Args:
            engine: The backend and its number format.
            streams: How the threads of this process are shared out.
            folder: The checkpoint's folder, for its own feature extractor where the recipe needs it.
            preprocessor: The registry's override of that extractor.

        Raises:
            BackendError: This machine cannot compute it so.
        """
        begin = time.perf_counter()
        backend = _opener(engine.backend)(self.folder / self.model, dtype=engine.dtype, streams=streams)
        extractor = self.recipe.load_extractor(folder, preprocessor)
        seconds = time.perf_counter() - begin
        report = replace(self.report, dtype=engine.dtype, device="cpu", attention=None, seconds=seconds)
        return FastModel(backend, self.recipe, extractor, report)


@dataclass(frozen=True, eq=False)
class FastModel(SpeechModel):
    """A converted model in its backend, with the checkpoint's feature extractor where its recipe needs that."""

    backend: Backend
    recipe: FeatureRecipe
    extractor: Any
    report: LoadReport

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one window."""
        self.require_enough(samples.size)
        return self.backend.forward(self.recipe.features(samples, self.extractor))

    @property
    def shortest(self) -> int:
        """Samples that the model needs at least."""
        return self.recipe.shortest


def _opener(backend: str) -> Open:
    if backend == OPENVINO:
        from benchmark.models.backends.openvino_backend import OpenVinoBackend  # noqa: PLC0415 - only where used

        return OpenVinoBackend
    if backend == ONNXRUNTIME:
        from benchmark.models.backends.onnx_backend import OnnxBackend  # noqa: PLC0415 - only where used

        return OnnxBackend
    if backend in added_names():
        return added_backend(backend).open
    raise BackendError(f"{backend} computes no converted models")


def _replace(new: Path, folder: Path) -> None:
    """Put a folder in the place of another; for an instant a reader may find none."""
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
