"""What a user asks of a verification: how deep it goes, and how much it may download."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from benchmark.options.shared import LoadOptions, nobody_to_ask
from benchmark.progress import Progress

_BYTES_PER_GB = 1_000_000_000
_BYTES_PER_MB = 1_000_000
_UNCONFIRMED_GB = 5.0


class Depth(StrEnum):
    """How far a verification goes."""

    INSPECT = "inspect"
    LOAD = "load"
    PROBE = "probe"


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """How candidates are verified.

    Attributes:
        depth: `inspect` reads no weights, `load` loads what is undecided then, `probe` tests what was loaded.
        repair_heads: Whether known heads that transformers has no class for are rebuilt.
        max_download_gb: How much may be downloaded in all, in GB (10⁹ bytes); None where the user set no limit.
        free_cache: Whether a revision that this run has downloaded is deleted after use.
        refresh: Whether to find out again what a former run has found out.
        allow_code: Whether the programs of candidates with a `command` may run.
        dimensions: Load candidates that rate arousal, valence or dominance, and no others.
        confirm: Asks a person a question; None for an answer where there is nobody to ask.
    """

    depth: Depth = Depth.PROBE
    repair_heads: bool = True
    max_download_gb: float | None = None
    free_cache: bool = False
    refresh: bool = False
    allow_code: bool = False
    dimensions: bool = False
    confirm: Callable[[str], bool | None] = nobody_to_ask

    @classmethod
    def of(cls, options: LoadOptions, *, confirm: Callable[[str], bool | None], dimensions: bool = False) -> Self:
        """What the options of a command allow."""
        return cls(
            repair_heads=options.repair_heads,
            max_download_gb=options.max_download_gb,
            allow_code=options.allow_code,
            dimensions=dimensions,
            confirm=confirm,
        )


def agree(sizes: Mapping[str, int | None], options: VerifyOptions, progress: Progress) -> dict[str, str]:
    """Note how much is to be downloaded, and say for each candidate over the limit why it is not.

    The first that fit into the limit are downloaded, or all where the user agrees.

    Args:
        sizes: Bytes that are still to be fetched for each candidate, in the order of the downloads; None where unknown.
        options: What the user allows, and whom to ask.
        progress: Takes the note.

    Examples:
        >>> from benchmark.progress import Silent
        >>> sizes = {"small": 4 * 10**8, "large": 9 * 10**9}
        >>> agree(sizes, VerifyOptions(), Silent())
        {'large': 'Its download of 9.0 GB is over the limit of 5 GB in all: allow more with --max-download-gb.'}
        >>> agree(sizes, VerifyOptions(max_download_gb=10), Silent())
        {}
    """
    missing = {candidate: size for candidate, size in sizes.items() if size != 0}
    total = _in_words(sum(size or 0 for size in missing.values()))
    count = f"{len(missing)} candidate{'' if len(missing) == 1 else 's'}"
    if missing:
        progress.note(f"To be downloaded: {total} in all, for {count}.")
    limit = _UNCONFIRMED_GB if options.max_download_gb is None else options.max_download_gb
    denied, taken = {}, 0
    for candidate, size in missing.items():
        if size is None or taken + size > limit * _BYTES_PER_GB:
            denied[candidate] = (
                f"Its download of {_in_words(size)} is over the limit of {limit:g} GB in all: allow more with "
                "--max-download-gb."
            )
        else:
            taken += size
    if denied and options.max_download_gb is None:
        question = f"Download {total} for {count}? More than {limit:g} GB is only fetched if so"
        if options.confirm(question):
            return {}
    return denied


def _in_words(size: int | None) -> str:
    if size is None:
        return "unknown size"
    return f"{size / _BYTES_PER_GB:.1f} GB" if size >= _BYTES_PER_GB / 10 else f"{size / _BYTES_PER_MB:.1f} MB"
