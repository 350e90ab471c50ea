import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.threads import in_parallel
from benchmark.verification.parallel import spared


def test_what_ends_all_is_not_spared() -> None:
    def task(error: Exception) -> None:
        raise error

    def lost(_item: Exception, _error: Exception) -> None:
        return None

    assert in_parallel(spared(task, lost), [MemoryError(), OSError()], threads=2, finished=lambda: None) == [None, None]
    for ending in (RequestError("no"), UnavailableError("full"), InterruptedError()):
        with pytest.raises(type(ending)):
            in_parallel(spared(task, lost), [ending], threads=1, finished=lambda: None)
