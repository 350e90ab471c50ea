"""What a user asks of a verification: how deep it goes, and what it may take."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.progress import Progress

BYTES_PER_GB = 1_000_000_000


FREELY_DOWNLOADED_GB = 5.0
"""What is downloaded without asking anybody, in all."""


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
class Wanted:
    """A candidate whose weights are wanted.

    Attributes:
        candidate: What tables call it.
        size: Bytes that are still to be fetched; None where nobody says.
    """

    candidate: str
    size: int | None


def agree(wanted: Sequence[Wanted], options: VerifyOptions, progress: Progress) -> dict[str, str]:
    """Tell how much is to be downloaded, and settle what is not.

    Args:
        wanted: All whose weights are wanted, in the order in which they are to be fetched.
        options: What the user allows, and whom to ask.
        progress: Who is told.

    Returns:
        For those that are not to be downloaded, why, by candidate; the first that fit into the limit are.

    Examples:
        >>> from benchmark.progress import Silent
        >>> wanted = [Wanted("small", 4 * 10**8), Wanted("large", 9 * 10**9)]
        >>> agree(wanted, VerifyOptions(), Silent())
        {'large': 'Its download of 9.0 GB is over the limit of 5 GB in all: allow more with --max-download-gb.'}
        >>> agree(wanted, VerifyOptions(max_download_gb=10), Silent())
        {}
    """
    missing = [each for each in wanted if each.size != 0]
    total = sum(each.size or 0 for each in missing)
    if missing:
        progress.note(f"To be downloaded: {_gigabytes(total)} in all, for {_counted(missing)}.")
    limit = FREELY_DOWNLOADED_GB if options.max_download_gb is None else options.max_download_gb
    over = list(_over(missing, limit * BYTES_PER_GB))
    if over and options.max_download_gb is None:
        question = f"Download {_gigabytes(total)} for {_counted(missing)}? More than {limit:g} GB is only fetched if so"
        if options.confirm(question):
            return {}
    return {
        each.candidate: (
            f"Its download of {'unknown size' if each.size is None else _gigabytes(each.size)} is over the limit of "
            f"{limit:g} GB in all: allow more with --max-download-gb."
        )
        for each in over
    }


def _over(wanted: Iterable[Wanted], limit: float) -> Iterable[Wanted]:
    """Those that do not fit beside those before them; one of unknown size fits nowhere."""
    taken = 0
    for each in wanted:
        if each.size is None or taken + each.size > limit:
            yield each
        else:
            taken += each.size


def _gigabytes(size: int) -> str:
    return f"{size / BYTES_PER_GB:.1f} GB" if size >= BYTES_PER_GB / 10 else f"{size / 1e6:.1f} MB"


def _counted(wanted: Sequence[Wanted]) -> str:
    return f"{len(wanted)} candidate{'' if len(wanted) == 1 else 's'}"
