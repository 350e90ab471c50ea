"""The logs of workers: made before anything is started, and kept to a size that can be opened."""

from pathlib import Path

from benchmark.errors import UnavailableError

_MOST_BYTES = 4_000_000
_HEAD_BYTES = 1_000_000


def prepare_log(path: Path) -> Path:
    """Make sure that a log can be written.

    Returns:
        Its absolute path.

    Raises:
        UnavailableError: It can't be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            return path.absolute()
    except OSError as error:
        raise UnavailableError(
            f"The log {path} can't be written ({error.strerror}): choose another folder with BENCH_CACHE."
        ) from error


def shorten_log(path: Path) -> None:
    """Cut the middle out of a log of more than 4 MB, keeping its first and its last lines.

    Only called once the worker that wrote it has ended.
    """
    try:
        size = path.stat().st_size
        if size <= _MOST_BYTES:
            return
        with path.open("rb") as log:
            head = log.read(_HEAD_BYTES)
            log.seek(size - (_MOST_BYTES - _HEAD_BYTES))
            tail = log.read()
        path.write_bytes(head + f"\n[… {size - len(head) - len(tail)} bytes left out …]\n".encode() + tail)
    except OSError:
        return  # a log is a help, and no reason to stop a run
