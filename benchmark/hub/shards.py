"""Which files the index of a sharded checkpoint stands for; it may name anything, and is held to the repository."""

from collections.abc import Collection
from pathlib import PurePosixPath

from benchmark.hub.documents import Document
from benchmark.hub.tensor_listing import damaged

_LONGEST_NAME = 255
_SHOWN = 3


def shard_names(index: Document, name: str) -> tuple[str, ...]:
    """Read the names of the shards from an index.

    Args:
        index: The index.
        name: What messages call it.

    Returns:
        The names, sorted, as transformers reads them: where two shards hold the same tensor, the later one counts.

    Raises:
        ListingProblem: It is no index, or names files outside of the repository.

    Examples:
        >>> shard_names(Document({"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}), "index.json")
        ('1.bin', '2.bin')
    """
    places = (index.content or {}).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(place, str) for place in places.values()):
        raise damaged(f"{name} is no index of shards: {index.problem or 'it has no table of names as weight_map'}")
    names = sorted(set(places.values()))
    for shard in names:
        if not is_inside(shard):
            raise damaged(f"{name} names {shard[:80]!r}, which is no file of the repository")
    return tuple(names)


def check_presence(wanted: Collection[str], present: Collection[str], name: str) -> None:
    """Hold that all shards are there.

    Raises:
        ListingProblem: Some are missing.
    """
    missing = [shard for shard in wanted if shard not in present]
    if missing:
        shown = ", ".join(shard[:80] for shard in missing[:_SHOWN])
        raise damaged(f"{len(missing)} of the {len(wanted)} shards that {name} names are missing: {shown}")


def is_inside(name: str) -> bool:
    r"""Whether a name stays within the folder that it is relative to, on every system.

    Examples:
        >>> is_inside("a/b.bin"), is_inside("../b.bin"), is_inside("/b.bin"), is_inside("c:\\b.bin"), is_inside("")
        (True, False, False, False, False)
    """
    if not name or len(name) > _LONGEST_NAME or any(sign in name for sign in "\\:\0"):
        return False
    parts = name.split("/")
    return not PurePosixPath(name).is_absolute() and all(part not in {"", ".", ".."} for part in parts)
