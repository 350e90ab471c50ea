"""How a dataset of the Hub, or one in a folder, is named: `hf:ID[@revision][:[configuration/]split]`."""

import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.registry.locations import is_hub_id, looks_like_path
from benchmark.settings import expanded

_FORM = "hf:ID, hf:ID:split, hf:ID:configuration/split or hf:ID@revision, where ID is organisation/name or a folder"
_PART = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class DatasetSpec:
    """One split of a dataset.

    Attributes:
        id: The Hub id, or the folder as the user wrote it.
        revision: Branch, tag or sha; None for the default branch.
        config: The configuration; None for the only one, or the default.
        split: The split; None for the only one.
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
    """Take apart what stands behind `hf:`.

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
    if wrong := [part for part in (*([config] if config else []), *([split] if tail else [])) if not _is_part(part)]:
        raise RequestError(f"{wrong[0]!r} in 'hf:{location}' cannot name a split; write {_FORM}.")
    id, _, revision = rest.partition("@") if not looks_like_path(rest) else (rest, "", "")
    spec = DatasetSpec(id, revision or None, config or None, split or None)
    if spec.folder is None and not is_hub_id(id):
        raise RequestError(f"{id!r} in 'hf:{location}' is neither a folder nor a possible Hub id; write {_FORM}.")
    return spec


def _is_part(text: str) -> bool:
    return _PART.fullmatch(text) is not None
