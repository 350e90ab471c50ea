"""The records of runs, one file each, so that reports can be written again."""

from pathlib import Path

from benchmark.results.files import write_atomically
from benchmark.results.run import RunRecord


def save_run(cache: Path, record: RunRecord) -> Path:
    """Keep the record of a run under the time it began.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    path = cache / "runs" / f"{record.created:%Y%m%dT%H%M%S.%fZ}.json"
    return write_atomically(path, record.model_dump_json(indent=1))
