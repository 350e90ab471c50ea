"""What is dear to make and only read is made once, whatever number of processes the tests run in."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """Give a folder that the first process to ask for it fills while the others wait; nobody may change it.

    Args:
        name: The name of the folder.
        make: Fills it.
        factory: Knows where the files of this run of the tests lie.
    """
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # of all processes
    folder, done = place / name, place / f"{name}.done"
    with FileLock(place / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a process has begun that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
