"""What a user asks of a verification: how deep it goes, and how much it may download."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.progress import Progress

_BYTES_PER_GB = 1_000_000_000
_BYTES_PER_MB = 1_000_000
_UNCONFIRMED_GB = 5.0


class Depth(StrEnum):
    """How far a verification goes."""

    INSPECT = "inspect"
    LOAD = "load"
    PROBE = "probe"


def nobody_to_ask(_question: str) -> None:
    """Answer for those who cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """How candidates are verified.

    Attributes:
        depth: `inspect` reads no weights, `load` loads what is undecided then, `probe` asks what was loaded.
        repair_heads: Whether known heads that transformers has no class for are rebuilt.
        max_download_gb: How much may be downloaded in all, in GB (10⁹ bytes); None where the user set no limit.
        free_cache: Whether a revision that this run has downloaded is deleted after use.
        refresh: Whether to find out again what a former run has found out.
        confirm: Asks a person a question; None for an answer where there is nobody to ask.
    """

    depth: Depth = Depth.PROBE
    repair_heads: bool = True
    max_download_gb: float | None = None
    free_cache: bool = False
    refresh: bool = False
    confirm: Callable[[str], bool | None] = nobody_to_ask


DEFAULT_OPTIONS = VerifyOptions()


@dataclass(frozen=True)
class Download:
    """The download that a candidate needs.

    Attributes:
        candidate: What tables call it.
        size: Bytes that are still to be fetched; None where nobody says.
    """

    candidate: str
    size: int | None


def agree(downloads: Sequence[Download], options: VerifyOptions, progress: Progress) -> dict[str, str]:
    """Say how much is to be downloaded, and settle what is not.

    Args:
        downloads: In the order in which they are to be fetched.
        options: What the user allows, and whom to ask.
        progress: Takes the note.

    Returns:
        For those that are not to be downloaded, why, by candidate; the first that fit into the limit are.

    Examples:
        >>> from benchmark.progress import Silent
        >>> downloads = [Download("small", 4 * 10**8), Download("large", 9 * 10**9)]
        >>> agree(downloads, VerifyOptions(), Silent())
        {'large': 'Its download of 9.0 GB is over the limit of 5 GB in all: allow more with --max-download-gb.'}
        >>> agree(downloads, VerifyOptions(max_download_gb=10), Silent())
        {}
    """
    missing = [download for download in downloads if download.size != 0]
    total = _in_words(sum(download.size or 0 for download in missing))
    count = f"{len(missing)} candidate{'' if len(missing) == 1 else 's'}"
    if missing:
        progress.note(f"To be downloaded: {total} in all, for {count}.")
    limit = _UNCONFIRMED_GB if options.max_download_gb is None else options.max_download_gb
    over = list(_over(missing, limit * _BYTES_PER_GB))
    if over and options.max_download_gb is None:
        question = f"Download {total} for {count}? More than {limit:g} GB is only fetched if so"
        if options.confirm(question):
            return {}
    return {
        download.candidate: (
            f"Its download of {_in_words(download.size)} is over the limit of {limit:g} GB in all: allow more with "
            "--max-download-gb."
        )
        for download in over
    }


def _over(downloads: Sequence[Download], limit: float) -> Iterator[Download]:
    """Those that do not fit beside those before them; one of unknown size fits nowhere."""
    taken = 0
    for download in downloads:
        if download.size is None or taken + download.size > limit:
            yield download
        else:
            taken += download.size


def _in_words(size: int | None) -> str:
    if size is None:
        return "unknown size"
    return f"{size / _BYTES_PER_GB:.1f} GB" if size >= _BYTES_PER_GB / 10 else f"{size / _BYTES_PER_MB:.1f} MB"
