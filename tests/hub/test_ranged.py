import itertools
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from benchmark.hub.ranged import Budget, RangedFile, SourceError, TooMuchToReadError, open_local
from benchmark.hub.repository_facts import RepoFacts
from benchmark.results.status import Status
from tests.hub.conftest import ID, WEIGHTS, Reads, ServedHub, failure, problem_of, ranged, read_in_process
from tests.support.hub_server import Fault, HubServer, Trouble

CONTENT = random.Random(0).randbytes(50_001)  # noqa: S311 - repeatable, guards no secret


def test_any_part_equals_the_same_part_of_the_whole_and_is_fetched_once() -> None:
    reads = Reads(CONTENT)
    file = reads.file()
    generator = random.Random(1)  # noqa: S311 - repeatable, guards no secret
    for _ in range(500):
        start = generator.randrange(-10, len(CONTENT) + 10)
        stop = start + generator.choice((0, 1, 100, 5000))
        assert file.read_at(start, stop) == CONTENT[max(0, start) : max(0, stop)]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(sorted(reads.spans)))


def test_it_reads_like_a_file() -> None:
    file = ranged(CONTENT)
    assert file.seek(-10, os.SEEK_END) == len(CONTENT) - 10
    assert (file.read(4), file.read(), file.read()) == (CONTENT[-10:-6], CONTENT[-6:], b"")
    file.seek(5)
    assert (file.seek(2, os.SEEK_CUR), file.tell(), file.read(1)) == (7, 7, CONTENT[7:8])
    with pytest.raises(OSError, match="beginning"):
        file.seek(-1)


def test_more_than_the_budget_is_never_fetched() -> None:
    reads = Reads(CONTENT)
    file = reads.file(budget=10_000)
    with pytest.raises(TooMuchToReadError):
        file.read()
    file.read_at(0, 6000)
    with pytest.raises(TooMuchToReadError):
        file.read_at(20_000, 26_000)
    assert reads.bytes_read <= 10_000
    with pytest.raises(TooMuchToReadError):  # a claimed terabyte takes no memory
        RangedFile(Reads(b""), 10**12, Budget(10**6)).read()


def test_a_local_file_is_read_in_parts_and_a_failure_says_nothing_about_the_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    file = open_local(tmp_path / "file", Budget(10**6))
    assert (file.size, file.read_at(10, 20)) == (len(CONTENT), CONTENT[10:20])
    (tmp_path / "file").write_bytes(b"short")
    with pytest.raises(SourceError, match="shorter"):
        file.read_at(10_000, 20_000)
    with pytest.raises(SourceError) as caught:
        open_local(tmp_path / "nothing", Budget(10**6))
    assert caught.value.failure.status is Status.UNREACHABLE


LARGE = save({"classifier.bias": np.ones(4, np.float32), "w": np.zeros(20_000_000, np.uint8)})
SMALL = save({f"layer.{number}": np.ones(4, np.float32) for number in range(3000)})


def publish(hub: ServedHub, content: bytes = SMALL, timeout_s: float = 0.3) -> RepoFacts:
    """Publish weights, find out the facts, and let the client give up after this time from now on."""
    hub.publish(**{WEIGHTS: content})
    facts = hub.facts()
    hub.client = hub.client_with(timeout_s)
    return facts


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(Trouble.HANG), "in time"),
        (Fault(Trouble.DRIP), "in time"),
        (Fault(Trouble.RESET), "cannot be reached"),
        (Fault(Trouble.TRUNCATE), "cannot be reached"),
        (Fault(Trouble.LOOP), "redirects"),
        (Fault(Trouble.GARBAGE), "is listed, and one of"),
        (Fault(Trouble.OTHER_PART), "another part"),
        (Fault(Trouble.SHORT_PART), "bytes were served"),
        (Fault(Trouble.OTHER_SIZE), "is listed, and one of"),
        (Fault(Trouble.PACKED), "encoding"),
        (Fault(204), "no file is served"),
        (Fault(404, headers={"X-Error-Code": "EntryNotFound"}), "does not serve it"),
        (Fault(416), "HTTP 416"),
        (Fault(503, headers={"Retry-After": "3600"}), "wait 3600 s"),
        (Fault(302, headers={"Location": "ftp://example.invalid/x"}), "protocol"),
        (Fault(302, headers={"Location": "http://[bad.invalid"}), "cannot be reached"),
    ],
    ids=lambda value: str(value.what) if isinstance(value, Fault) else str(value),
)
def test_whatever_goes_wrong_with_a_part_says_nothing_about_the_model_in_bounded_time(
    hub: ServedHub, fault: Fault, words: str
) -> None:
    facts = publish(hub)
    hub.break_(fault.what, WEIGHTS, headers=fault.headers)
    begin = time.monotonic()
    unread = failure(hub.client.tensors(facts, read_in_process))
    assert time.monotonic() - begin < 3.0
    assert unread.status is Status.UNREACHABLE
    assert words in unread.reason


@pytest.mark.parametrize("what", [503, Trouble.SHORT_PART, Trouble.GARBAGE])
def test_a_passing_failure_is_survived(hub: ServedHub, what: int | Trouble) -> None:
    facts = publish(hub, timeout_s=5.0)
    hub.break_(what, WEIGHTS, times=1)
    assert hub.tensors(facts).tensors


def test_a_server_without_ranges_is_not_read_whole(hub: ServedHub) -> None:
    facts = publish(hub, LARGE)
    hub.break_(Trouble.WHOLE, WEIGHTS)
    # The beginning is there, whoever sends it.
    assert hub.tensors(facts).tensors
    assert hub.bytes_sent < 5_000_000 < len(LARGE)


def test_a_part_that_a_server_without_ranges_cannot_send_needs_the_load_check(hub: ServedHub) -> None:
    facts = publish(hub)
    hub.break_(Trouble.WHOLE, WEIGHTS)
    assert problem_of(hub.tensors(facts)).status is None


def test_another_server_may_hold_the_file_and_never_sees_the_token(
    hub: ServedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    facts = publish(hub)
    with HubServer() as storage:
        storage.repositories = hub.server.repositories.copy()
        path = f"/{ID}/resolve/{facts.revision}/{WEIGHTS}"
        # A name of this machine that is another than the Hub's.
        elsewhere = storage.url.replace("127.0.0.1", "localhost") + path
        hub.break_(302, WEIGHTS, id=None, times=1, headers={"Location": elsewhere})
        hub.tensors(facts)
    assert storage.bytes_sent[ID] > 0
    assert hub.server.tokens[path].startswith("Bearer hf_")
    assert storage.tokens == {}
