"""The records of runs, one file each, so that reports can be written again."""

import logging
from pathlib import Path

from pydantic_core import to_json

from benchmark.errors import RequestError
from benchmark.results.files import CHOOSE_ANOTHER_CACHE, write_atomically
from benchmark.results.run import RunRecord
from benchmark.settings import expanded

logger = logging.getLogger(__name__)

_RUNS = "runs"
_LISTED = 5


def save_run(cache: Path, record: RunRecord) -> Path:
    """Keep the record of a run under the time it began.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    path = cache / _RUNS / f"{record.created:%Y%m%dT%H%M%S.%fZ}.json"
    return write_atomically(path, to_json(record, indent=1), remedy=CHOOSE_ANOTHER_CACHE)


def load_run(cache: Path, name: str | None = None) -> RunRecord:
    """Read the record of a run that has come to its end.

    Args:
        cache: The folder of the store.
        name: The run's file below `runs`, or the beginning of its name that no other has, or the path of a record;
            None for the latest that was not interrupted and can still be read.

    Returns:
        The record, as it was kept.

    Raises:
        RequestError: There is no such run, the name fits several, or a newer version of bench wrote it.
    """
    if name is None:
        return _latest(cache)
    path = _named(cache, name)
    record = RunRecord.read(path)
    if record is None:
        raise RequestError(
            f"{path} is no run that this version of bench can read: it is cut off, or an earlier version wrote it; "
            "repeat it with `bench run`, which takes stored answers as they are."
        )
    return record


def list_runs(cache: Path) -> tuple[Path, ...]:
    """The files of all runs kept, the latest first."""
    return tuple(sorted((cache / _RUNS).glob("*.json"), reverse=True))


def _latest(cache: Path) -> RunRecord:
    for path in list_runs(cache):
        record = RunRecord.read(path)
        if record is None:
            logger.warning("%s is no run that can be read, and is passed over for an earlier one.", path)
        elif record.interrupted:
            logger.warning(
                "%s was interrupted, and is passed over for an earlier run; --run %s takes it.", path, path.stem
            )
        else:
            return record
    raise RequestError(
        f"there is no finished run in {cache / _RUNS}; make one with `bench run`, or set BENCH_CACHE to the folder "
        "that holds one."
    )


def _named(cache: Path, name: str) -> Path:
    given = expanded(name)
    if given.suffix == ".json" and given.is_file():
        return given
    known = list_runs(cache)
    fitting = [path for path in known if name in {path.name, path.stem}] or [
        path for path in known if path.name.startswith(name)
    ]
    if len(fitting) == 1:
        return fitting[0]
    shown = ", ".join(path.stem for path in (fitting or known)[:_LISTED]) or "none"
    if fitting:
        raise RequestError(f"{len(fitting)} runs begin with {name!r}: {shown}; write more of the name.")
    raise RequestError(f"there is no run {name!r} in {cache / _RUNS}; the latest are: {shown}.")
