"""What a folder of predictions says of itself, and whether a run of today would still read it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from benchmark.results.environment import installed_version
from benchmark.results.predictions import (
    CONVERSION,
    CONVERSION_VERSION,
    PREDICTIONS_SCHEMA_VERSION,
    InferenceSetup,
)

# As the store writes them into the metadata of each part.
_SETUP_FIELD = b"bench.setup"
_VERSION_FIELD = b"bench.schema_version"


def describe_predictions(folder: Path) -> dict[str, Any]:
    """Read the setup of stored predictions.

    Args:
        folder: Holds the parts made with one setup.

    Returns:
        Fields of `CacheEntry`: candidate, device, backend, dtype, clips and stale, as far as they can be read.
    """
    clips = 0
    metadata: dict[bytes, bytes] = {}
    for part in sorted(folder.glob("part-*.parquet")):
        try:
            file = pq.read_metadata(part)
        except (OSError, pa.ArrowException):
            return {"stale": "it cannot be read"}
        clips += file.num_rows
        metadata = file.metadata or {}
    version = _version(metadata)
    if version != PREDICTIONS_SCHEMA_VERSION:
        newer = isinstance(version, int) and version > PREDICTIONS_SCHEMA_VERSION
        return {"clips": clips, "stale": f"{'a newer' if newer else 'an earlier'} version of bench wrote it"}
    try:
        setup = InferenceSetup.model_validate_json(metadata.get(_SETUP_FIELD, b""))
    except ValidationError:
        return {"clips": clips, "stale": "it cannot be read"}
    return {
        "candidate": setup.candidate,
        "device": setup.device,
        "backend": setup.backend,
        "dtype": setup.dtype,
        "clips": clips,
        "stale": outdated(setup.versions),
    }


def outdated(versions: dict[str, str]) -> str | None:
    """Say which library, or which way of converting models, was of another version; None where all are as they were.

    Examples:
        >>> outdated({"numpy": "0.1"}).startswith("made with numpy 0.1; now ")
        True
        >>> outdated({"conversion": "1"}).startswith("made with conversion 1; now ")
        True
        >>> outdated({}) is None
        True
    """
    for name, version in versions.items():
        installed = str(CONVERSION_VERSION) if name == CONVERSION else installed_version(name)
        if installed != version:
            return f"made with {name} {version}; now {installed or 'it is not installed'}"
    return None


def _version(metadata: dict[bytes, bytes]) -> object:
    try:
        return json.loads(metadata.get(_VERSION_FIELD, b"0"))
    except ValueError:
        return None
