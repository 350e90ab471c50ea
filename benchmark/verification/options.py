"""What a user asks of a verification: how deep it goes, and what it may take."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

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
