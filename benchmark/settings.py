"""Settings of a process: the folder of the cache, the number of workers, and time limits."""

import os
from dataclasses import dataclass, field
from pathlib import Path

TEMPORARY_FOLDER = "temporary"
"""In the cache: the temporary folders of processes and their workers."""

FETCHED_FOLDER = "fetched"
"""In the cache: the recordings that running processes have fetched from addresses."""


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


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Folders and limits of one run of bench.

    Attributes:
        cache: The folder of the store; `$BENCH_CACHE`, or `.bench` in the current folder where that is empty.
        jobs: Number of workers that compute at once.
        hub_timeout_s: Time limit of one call to the Hub.
        load_timeout_s: Time limit for loading one checkpoint in a worker.
        clip_timeout_s: Time limit for one window of a clip in a worker.
        fetch_timeout_s: Time limit for one recording at an address; 1 kB/s must come all the time.
        decode_timeout_s: Time limit for decoding one recording, and 5 s more for each MB of it.

    Examples:
        >>> Settings(cache=Path("somewhere")).logs
        PosixPath('somewhere/logs')
    """

    cache: Path = field(default_factory=lambda: expanded(os.environ.get("BENCH_CACHE", "").strip() or ".bench"))
    jobs: int = 1
    hub_timeout_s: float = 10.0
    load_timeout_s: float = 300.0
    clip_timeout_s: float = 300.0
    fetch_timeout_s: float = 300.0
    decode_timeout_s: float = 60.0

    @property
    def logs(self) -> Path:
        """The folder with the output of each candidate's workers."""
        return self.cache / "logs"

    @property
    def temporary(self) -> Path:
        """The folder with the temporary folders of processes (see `benchmark.temporary`)."""
        return self.cache / TEMPORARY_FOLDER

    @property
    def fetched(self) -> Path:
        """The folder with the recordings that running processes have fetched."""
        return self.cache / FETCHED_FOLDER
