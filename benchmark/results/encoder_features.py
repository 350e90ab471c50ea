"""The store of encoder features: immutable Parquet parts per encoder and copy, so that no clip is encoded twice."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import JsonValue

from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.schema import Stored
from benchmark.results.storage import candidate_prefix

FEATURES_SCHEMA_VERSION = 1
StateView = Literal["hidden", "cut"]
"""Hidden states as transformers' classifiers sum them, or the outputs of the encoder when it is cut behind a layer."""

_SCHEMA = pa.schema(
    [
        pa.field("clip_hash", pa.string(), nullable=False),
        pa.field("samples", pa.int64(), nullable=False),
        pa.field("states", pa.list_(pa.float32())),
        pa.field("failure", pa.string()),
    ]
)
"""A row per window; the windows of a clip follow each other, in one part."""


class FeatureSetup(Stored):
    """Everything that determines the features of a clip.

    Attributes:
        encoder: The Hub id or local path.
        revision: The commit sha, or the content hash of a local folder.
        copy_number: 0 for the clip itself, else the number of its changed copy.
        augmentation: How a copy is changed.
        versions: Of the libraries that compute.
    """

    encoder: str
    revision: str
    view: StateView
    copy_number: int = 0
    augmentation: dict[str, JsonValue] | None = None
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """A hash of the setup, 16 hexadecimal digits."""
        return hashlib.sha256((self.model_dump_json() + str(FEATURES_SCHEMA_VERSION)).encode()).hexdigest()[:16]

    @property
    def entry_key(self) -> EntryKey:
        """The setup as the key of a cache entry."""
        return EntryKey(
            candidate=self.encoder,
            revision=self.revision,
            versions=self.versions,
            details=self.model_dump(mode="json"),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodedClip:
    """What an encoder makes of one clip.

    Attributes:
        samples: Length of each window, shape (windows,).
        states: States pooled over the frames of a window, shape (windows, states, width); no row if it failed.
        failure: Why the clip cannot be encoded.
    """

    clip_hash: str
    samples: NDArray[np.int64]
    states: NDArray[np.float32]
    failure: str | None = None


class FeatureStore:
    """Features of clips, stored in a cache by the setup that produced them.

    Args:
        shape: States and width of the encoder.

    Examples:
        >>> import tempfile
        >>> store = FeatureStore(Path(tempfile.mkdtemp()), shape=(2, 3))
        >>> setup = FeatureSetup(encoder="org/encoder", revision="abc", view="hidden", versions={})
        >>> states = np.zeros((1, 2, 3), np.float32)
        >>> store.add(setup, [EncodedClip(clip_hash="c1", samples=np.array([16_000]), states=states)])
        >>> [(clip.clip_hash, clip.states.shape) for clip in store.read(setup)]
        [('c1', (1, 2, 3))]
    """

    def __init__(self, cache: Path, *, shape: tuple[int, int]) -> None:
        self._cache = cache
        self._shape = shape

    def add(self, setup: FeatureSetup, clips: Sequence[EncodedClip]) -> None:
        """Store clips as one new part; nothing is written if there are none.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        if clips:
            self._parts(setup).add(_parquet(clips), clips=len(clips))

    def read(self, setup: FeatureSetup) -> Iterator[EncodedClip]:
        """Read the stored clips, with one part in memory at a time; damaged parts are set aside with a warning.

        Raises:
            RequestError: A newer version of bench wrote them.
        """
        parts = self._parts(setup)
        for name in parts.names():
            with suppress(FileNotFoundError):  # pruned meanwhile
                content = parts.read_or_set_aside(name)
                if content is None:
                    continue
                try:
                    clips = tuple(_clips_of(content, self._shape))
                except (ValueError, pa.ArrowException) as error:
                    parts.set_aside(name, error)
                    continue
                yield from clips

    def _parts(self, setup: FeatureSetup) -> EntryParts:
        return EntryParts(
            cache=self._cache,
            kind=CacheKind.FEATURES,
            key=setup.entry_key,
            content_schema=FEATURES_SCHEMA_VERSION,
            prefix=f"{candidate_prefix(setup.encoder, setup.revision)}/features/{setup.key}/part",
            suffix=".parquet",
        )


def _parquet(clips: Sequence[EncodedClip]) -> bytes:
    rows: list[tuple[str, int, NDArray[np.float32] | None, str | None]] = []
    for clip in clips:
        windows = zip(clip.samples.tolist(), clip.states, strict=True)
        rows += [(clip.clip_hash, length, states.ravel(), None) for length, states in windows]
        if clip.failure is not None:
            rows.append((clip.clip_hash, 0, None, clip.failure))
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), sink, use_dictionary=["clip_hash", "failure"])
    return bytes(sink.getvalue().to_pybytes())


def _clips_of(content: bytes, shape: tuple[int, int]) -> Iterator[EncodedClip]:
    """Decode a part.

    Raises:
        ValueError: Its columns or states are not those of such an encoder.
    """
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        table = file.read().cast(_SCHEMA)
    names = table.column("clip_hash").to_pylist()
    samples = np.asarray(table.column("samples").to_numpy(), np.int64)
    failures = table.column("failure").to_pylist()
    column = table.column("states").combine_chunks()
    has_states = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), np.bool_)
    states = np.asarray(column.flatten()).reshape(int(has_states.sum()), *shape)
    first_state = np.concatenate([[0], np.cumsum(has_states)])
    begins = [row for row in range(len(names)) if row == 0 or names[row] != names[row - 1]]
    for begin, end in zip(begins, [*begins[1:], len(names)], strict=True):
        yield EncodedClip(
            clip_hash=names[begin],
            samples=samples[begin:end][has_states[begin:end]],
            states=states[first_state[begin] : first_state[end]],
            failure=failures[begin],
        )
