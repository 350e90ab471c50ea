"""Settings of a process: the folder of the cache, the number of workers, and time limits."""

import os
from dataclasses import dataclass, field
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Replace `~` at the beginning of a path by the home folder; `~name` of an unknown user stays, as in a shell.

    Examples:
        >>> expanded("~no-such-user/a.wav")
        PosixPath('~no-such-user/a.wav')
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _cache_from_environment() -> Path:
    return expanded(os.environ.get("BENCH_CACHE") or ".bench")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The limits and places of one run of bench.

    Attributes:
        cache: The folder of the store; `$BENCH_CACHE`, or `.bench` in the current folder.
        jobs: How many workers may compute at once.
        hub_timeout_s: How long one call to the Hub may take, in seconds.
        load_timeout_s: How long loading one checkpoint in a worker may take, in seconds.
        clip_timeout_s: How long one window of a clip may take in a worker, in seconds.

    Examples:
        >>> Settings(cache=Path("somewhere")).logs
        PosixPath('somewhere/logs')
    """

    cache: Path = field(default_factory=_cache_from_environment)
    jobs: int = 1
    hub_timeout_s: float = 10.0
    load_timeout_s: float = 300.0
    clip_timeout_s: float = 300.0

    @property
    def logs(self) -> Path:
        """The folder that holds one log per candidate, with what its worker printed."""
        return self.cache / "logs"
