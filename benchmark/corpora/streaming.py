"""One split of a dataset, row by row, through the `datasets` library and without its decoder of audio."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.corpora.rows import COLUMN_NAMES
from benchmark.corpora.table import MOST_ROWS
from benchmark.errors import RequestError
from benchmark.registry.locations import is_hub_id, looks_like_path
from benchmark.settings import expanded

_HUB = "hf://"
_ARCHIVE = "zip://"
_FORM = "hf:ID, hf:ID:split, hf:ID:configuration/split or hf:ID@revision, where ID is organisation/name or a folder"
_BUFFER_BYTES = 8_000_000
_ROWS_AT_ONCE = 16
_PART = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class DatasetSpec:
    """One split of a dataset.

    Attributes:
        id: The Hub id, or the folder as the user wrote it.
        revision: Branch, tag or sha; None for the default branch.
        config: None for the only configuration, or the default.
        split: None for the only split.
    """

    id: str
    revision: str | None = None
    config: str | None = None
    split: str | None = None

    @property
    def folder(self) -> Path | None:
        """The dataset's folder; None for one on the Hub."""
        path = expanded(self.id)
        return path.resolve() if looks_like_path(self.id) or path.is_dir() else None

    @property
    def name(self) -> str:
        """What tables call it: the last part of the id."""
        return Path(self.id).name


def parse_dataset(location: str) -> DatasetSpec:
    """Parse what follows `hf:`.

    Raises:
        RequestError: It names no dataset, or a split or a revision that cannot be one.

    Examples:
        >>> parse_dataset("org/speech@v1.0:noisy/test")
        DatasetSpec(id='org/speech', revision='v1.0', config='noisy', split='test')
        >>> parse_dataset("./my-data:test").split
        'test'
    """
    rest, colon, tail = location.rpartition(":")
    # What follows a Windows drive is no split.
    if not colon or tail.startswith(("/", "\\")):
        rest, tail = location, ""
    elif not tail:
        raise RequestError(f"'hf:{location}' names no split after the colon; write {_FORM}.")
    config, _, split = tail.rpartition("/")
    for part, is_given in ((config, config), (split, tail)):
        if is_given and not _PART.fullmatch(part):
            raise RequestError(f"{part!r} in 'hf:{location}' cannot name a split; write {_FORM}.")
    id, _, revision = rest.partition("@") if not looks_like_path(rest) else (rest, "", "")
    spec = DatasetSpec(id, revision or None, config or None, split or None)
    if spec.folder is None and not is_hub_id(id):
        raise RequestError(f"{id!r} in 'hf:{location}' is neither a folder nor a possible Hub id; write {_FORM}.")
    return spec


@dataclass(frozen=True)
class DatasetFile:
    """A file of a dataset, which must be fetched first; the address lies inside the dataset."""

    address: str


@dataclass(frozen=True)
class SpooledRow:
    """One row of a dataset.

    Attributes:
        name: What the dataset calls the clip.
        audio: The encoded audio, where it is, or the name of the file that holds it.
        failure: Why there is no audio.
        values: Column → text, empty where there is nothing.
    """

    name: str
    audio: bytes | DatasetFile | str | None
    failure: str | None
    values: dict[str, str]


@contextmanager
def without_torch() -> Iterator[None]:
    """Keep the library from importing torch, which it does only to make its datasets a kind of torch's."""
    from datasets import config  # noqa: PLC0415

    available = config.TORCH_AVAILABLE
    config.TORCH_AVAILABLE = False
    try:
        yield
    finally:
        config.TORCH_AVAILABLE = available


@dataclass(frozen=True)
class RowGroup:
    """Rows that a Parquet file of a dataset stores together.

    Attributes:
        address: The file.
        number: Among the groups of the file.
        rows: How many it has.
    """

    address: str
    number: int
    rows: int


@dataclass(frozen=True)
class SplitRows:
    """All rows of a split.

    Attributes:
        audio_column: The column that holds the audio.
        groups: Where the audio of rows without audio is, in their order.
        notes: Sentences for the user on how they were read.
    """

    audio_column: str
    groups: tuple[RowGroup, ...]
    rows: tuple[SpooledRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _OpenSplit:
    """A split as the library opens it.

    Attributes:
        name: Of the split.
        stream: Its rows.
        column: The column that holds the audio.
        texts: The columns that can be read as texts: name → kind.
    """

    builder: Any
    name: str
    stream: Any
    features: Any
    column: str
    texts: Mapping[str, Any]

    @property
    def classes(self) -> dict[str, Any]:
        """The columns of numbers that stand for classes."""
        from datasets import ClassLabel  # noqa: PLC0415

        return {name: kind for name, kind in self.texts.items() if isinstance(kind, ClassLabel)}


def _open_split(spec: DatasetSpec, revision: str, audio_column: str | None) -> _OpenSplit:
    # The library takes two seconds to import, and few corpora come from it.
    from datasets import Audio, ClassLabel, Features, Value, load_dataset_builder  # noqa: PLC0415

    folder = spec.folder
    builder = load_dataset_builder(
        str(folder or spec.id), spec.config, revision=None if folder is not None else revision
    )
    splits = builder.as_streaming_dataset()
    name = _chosen_split(spec, [str(name) for name in splits])
    stream = splits[name]
    features = stream.features or Features({name: Value("string") for name in next(iter(stream), {})})
    column = _audio_column(spec, features, audio_column, Audio)
    texts = {name: kind for name, kind in features.items() if isinstance(kind, (Value, ClassLabel)) and name != column}
    return _OpenSplit(builder, name, stream, features, column, texts)


def stream_split(spec: DatasetSpec, revision: str, audio_column: str | None) -> tuple[str, Iterator[SpooledRow]]:
    """Open a split; reading its rows uses the network.

    Args:
        revision: The commit sha; unused for a folder.
        audio_column: The column that holds the audio, if the user names one.

    Returns:
        The column that holds the audio, and the rows.

    Raises:
        RequestError: There is no such split, or no column of audio. Errors of `datasets` are not changed.
    """
    from datasets import Audio  # noqa: PLC0415

    opened = _open_split(spec, revision, audio_column)
    column = opened.column
    split = opened.stream.select_columns([column, *opened.texts])
    if isinstance(opened.features[column], Audio):
        split = split.cast_column(column, _undecoded(opened.builder))
    return column, _read_rows(_root(spec, revision), split, column, opened.classes)


def read_without_audio(spec: DatasetSpec, revision: str, audio_column: str | None) -> SplitRows | None:
    """Read all rows of a split of Parquet files on the Hub without their audio, as `stream_split` names them.

    Of each file, its description is fetched, and of each group of rows all columns but the audio.

    Returns:
        The rows; None where a split is stored in another way, and only reading all of it tells what it holds.

    Raises:
        RequestError: As `stream_split`, or there are too many rows.
    """
    from datasets import Features  # noqa: PLC0415
    from datasets.packaged_modules.parquet.parquet import Parquet  # noqa: PLC0415
    from datasets.table import table_cast  # noqa: PLC0415

    opened = _open_split(spec, revision, audio_column)
    if spec.folder is not None or not isinstance(opened.builder, Parquet):
        return None
    column, schema = opened.column, Features(dict(opened.texts)).arrow_schema
    groups: list[RowGroup] = []
    stored: list[dict[str, Any]] = []
    for address in map(str, opened.builder.config.data_files[opened.name]):
        if not address.startswith(_root(spec, revision) + "/"):
            return None
        with _open_parquet(address) as file:
            if not _embeds_audio(file.schema_arrow, column):
                return None
            if len(stored) + file.metadata.num_rows > MOST_ROWS:
                raise RequestError(f"The dataset {spec.id} has more than {MOST_ROWS:,} rows in this split.")
            for number in range(file.num_row_groups):
                table = file.read_row_group(number, columns=[f"{column}.path", *opened.texts])
                groups.append(RowGroup(address, number, table.num_rows))
                texts = table_cast(table.drop_columns([column]), schema).to_pylist()
                stored += [row | {column: audio} for row, audio in zip(texts, table[column].to_pylist(), strict=True)]
    rows = _read_rows(_root(spec, revision), stored, column, opened.classes)
    return SplitRows(column, tuple(groups), tuple(replace(row, audio=None, failure=None) for row in rows))


def read_audio(
    spec: DatasetSpec, revision: str, column: str, group: RowGroup
) -> Iterator[tuple[bytes | DatasetFile | None, str | None]]:
    """Read the audio of one group of rows: for each row the encoded audio or where it is, or why there is none."""
    root = _root(spec, revision)
    with _open_parquet(group.address, buffer_bytes=_BUFFER_BYTES) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group.number], columns=[column]):
            for stored in batch.column(0).to_pylist():
                yield _audio_of(stored, root)[:2]


@contextmanager
def _open_parquet(address: str, *, buffer_bytes: int = 0) -> Iterator[Any]:
    """Open a Parquet file of the Hub, of which only what is read is fetched.

    Args:
        buffer_bytes: Fetch columns in pieces of this size; 0 fetches each at once.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415
    from huggingface_hub import HfFileSystem  # noqa: PLC0415

    with (
        HfFileSystem().open(address.removeprefix(_HUB), cache_type="none") as content,
        pq.ParquetFile(content, buffer_size=buffer_bytes, pre_buffer=not buffer_bytes) as file,
    ):
        yield file


def _embeds_audio(schema: Any, column: str) -> bool:
    """Whether a column holds audio in the form of the library, as bytes beside a path."""
    import pyarrow as pa  # noqa: PLC0415

    if column not in schema.names:
        return False
    kind = schema.field(column).type
    return pa.types.is_struct(kind) and {"bytes", "path"} <= {field.name for field in kind}


def _chosen_split(spec: DatasetSpec, names: Sequence[str]) -> str:
    if spec.split is None and len(names) == 1:
        return names[0]
    if spec.split in names:
        return str(spec.split)
    wrong = f"no split {spec.split!r}" if spec.split else f"{len(names)} splits"
    raise RequestError(
        f"The dataset {spec.id} has {wrong}: choose one of {', '.join(names)}, as in `hf:{spec.id}:{names[-1]}`."
    )


def _audio_column(spec: DatasetSpec, features: Any, chosen: str | None, audio: type) -> str:
    if chosen is not None:
        if chosen not in features:
            raise RequestError(f"The dataset {spec.id} has no column {chosen!r}; it has {', '.join(features)}.")
        return chosen
    typed = [name for name, kind in features.items() if isinstance(kind, audio)]
    by_lower_name = {name.lower(): name for name in features}
    usual = [by_lower_name[name] for name in COLUMN_NAMES["file"] if name in by_lower_name]
    if not typed and not usual:
        raise RequestError(
            f"The dataset {spec.id} has no column of audio; it has {', '.join(features)}. Say which one it is by "
            "`--column file=NAME`."
        )
    first: str = next((name for name in usual if name in typed), (typed + usual)[0])
    return first


def _undecoded(builder: Any) -> Any:
    """The kind of column that gives audio as it is stored; `Audio` itself would encode what a generator yields."""
    from datasets import ArrowBasedBuilder, Audio, Value  # noqa: PLC0415
    from datasets.packaged_modules.folder_based_builder.folder_based_builder import FolderBasedBuilder  # noqa: PLC0415

    if isinstance(builder, ArrowBasedBuilder):
        return Audio(decode=False)
    if isinstance(builder, FolderBasedBuilder):
        return Value("string")
    return {"bytes": Value("binary"), "path": Value("string")}


def _read_rows(
    root: str, split: Iterable[dict[str, Any]], column: str, classes: Mapping[str, Any]
) -> Iterator[SpooledRow]:
    seen: set[str] = set()
    for number, values in enumerate(split):
        audio, failure, path = _audio_of(values.pop(column), root)
        name = path.partition("::")[0].removeprefix(_ARCHIVE).removeprefix(root).lstrip("/") or f"{number:06}"
        if name in seen:
            name = f"{number:06}/{name}"
        seen.add(name)
        yield SpooledRow(name, audio, failure, {key: _text(value, classes.get(key)) for key, value in values.items()})


def _audio_of(stored: Any, root: str) -> tuple[bytes | DatasetFile | None, str | None, str]:
    """The encoded audio or where it is, why there is none, and its path; of what a row has in the column of audio."""
    content, path = (stored.get("bytes"), stored.get("path")) if isinstance(stored, dict) else (None, stored)
    if isinstance(path, bytes):
        content, path = path, None
    audio, failure = (content, None) if content is not None else _locate(path, root)
    return audio, failure, str(path or "")


def _root(spec: DatasetSpec, revision: str) -> str:
    return f"{_HUB}datasets/{spec.id}@{revision}" if spec.folder is None else str(spec.folder)


def _locate(path: Any, root: str) -> tuple[DatasetFile | None, str | None]:
    """Where a file of a dataset is, or why there is no audio."""
    if not path:
        return None, "The dataset has no audio here."
    address = _inside(str(path), root)
    return (None, f"It lies outside the dataset, at {path}.") if address is None else (DatasetFile(address), None)


def _inside(path: str, root: str) -> str | None:
    """The address of a file of the dataset; None for any other, since datasets may be hostile."""
    if "::" in path or path.startswith(_ARCHIVE):
        *members, archive = path.split("::")
        in_archives = bool(members) and all(member.startswith(_ARCHIVE) for member in members)
        return path if in_archives and _inside(archive, root) is not None else None
    if ".." in path.replace("\\", "/").split("/"):
        return None
    if root.startswith(_HUB):
        if path.startswith(_HUB):
            return path if path.startswith(root + "/") else None
        return None if "://" in path or path.startswith("/") else f"{root}/{path}"
    try:
        resolved = (Path(root) / path).resolve()
    except (OSError, ValueError):
        return None
    return str(resolved) if "://" not in path and resolved.is_relative_to(root) else None


def _text(value: Any, classes: Any) -> str:
    if value is None or (classes is not None and value < 0):  # -1 is the library's "no label"
        return ""
    return str(classes.int2str(value)) if classes is not None else str(value)
