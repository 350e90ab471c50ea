from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "worker.log"


@pytest.fixture
def worker(log: Path) -> Iterator[Worker]:
    with Worker("tests.workers.actors:Actor", log=log, limits=Limits(threads=1)) as made:
        yield made
