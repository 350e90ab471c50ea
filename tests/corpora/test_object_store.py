"""Objects in a bucket: written once, found again, and what is wrong with an address or a service in one sentence."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmark.corpora import remote
from benchmark.corpora.object_store import AddressObjects
from benchmark.errors import RequestError, UnavailableError
from benchmark.settings import Settings
from tests.support.object_store import ObjectStore, object_store, s3_environment

HIDDEN = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as started, pytest.MonkeyPatch.context() as patch:
        for name, value in (s3_environment(started.url) | {"AWS_SECRET_ACCESS_KEY": HIDDEN}).items():
            patch.setenv(name, value)
        yield started


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache=tmp_path_factory.mktemp("object-store"))


@pytest.fixture(scope="module")
def objects(server: ObjectStore, settings: Settings) -> Iterator[AddressObjects]:
    with closing(AddressObjects("s3://speech/team/", settings)) as opened:
        yield opened


def test_what_was_written_is_found_again_and_stays(objects: AddressObjects, server: ObjectStore) -> None:
    server.put("team/ab", b"beside the folder")
    server.put("team/nothing", b"an object with the name of a folder")
    server.put("teams/a/one", b"beside the prefix")
    assert objects.create({"a/one": b"1", "a/deep/two": b"", "b/three": bytes(range(256))}) == set()
    assert objects.create({"a/one": b"another", "a/deep/two": b"", "a/four": b"4"}) == {"a/one"}
    assert objects.list(["a", "nothing"]) == {"a/one": 1, "a/deep/two": 0, "a/four": 1}
    assert objects.read(["a/one", "b/three", "gone"]) == {"a/one": b"1", "b/three": bytes(range(256))}
    objects.delete(["a/one", "gone"])
    assert objects.list(["a"]) == {"a/deep/two": 0, "a/four": 1}
    assert server.read("teams/a/one") == b"beside the prefix"


def test_a_service_that_is_gone_is_one_sentence_without_secrets(
    server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:9/{HIDDEN}")  # a library may quote what it was given
    with closing(AddressObjects("s3://speech/team", settings)) as objects:
        with pytest.raises(UnavailableError, match=r"^The store s3://speech/team cannot be read: Could not") as error:
            objects.list(["a"])
        assert HIDDEN not in str(error.value)
    assert HIDDEN not in (settings.logs / "store.log").read_text()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://", "s3:// names no bucket"),
        ("s3:///team", "s3:///team names no bucket"),
        ("s3://bucket/../other", "names no bucket"),
        (f"s3://key:{HIDDEN}@bucket/team", "more than a bucket and a prefix"),
        (f"az://bucket/team?sig={HIDDEN}", "more than a bucket and a prefix"),
    ],
)
def test_an_address_that_is_none_is_refused_without_what_may_be_secret(
    address: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=words) as error:
        AddressObjects(address, Settings(cache=tmp_path))
    assert HIDDEN not in str(error.value)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(remote, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r's3://bucket/team needs s3fs: `pip install "ser-bench\[s3\]"`\.'):
        AddressObjects("s3://bucket/team", Settings(cache=tmp_path))


def test_a_worker_that_ends_is_replaced(objects: AddressObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_settings", Settings(cache=objects._settings.cache, fetch_timeout_s=0.001))
    with pytest.raises(UnavailableError, match=r"^The store s3://speech/team cannot be reached: "):
        objects.list(["a"])
    monkeypatch.undo()
    assert objects.list(["nothing"]) == {}
