"""Caches that share a store: each gets what the others have written, intact, and nothing in the store is changed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.inference_record import ParityCheck
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.shared_store import FolderObjects, SharedStore
from tests.support.damage import flip, rewrite

SETUP = InferenceSetup(
    candidate="org/model",
    revision="abc",
    labels=("sad", "happy"),
    head="standard",
    backend="torch",
    device="cpu",
    dtype="float32",
    window_s=30.0,
    versions={},
)
ANSWERS = {CacheKind.PREDICTIONS}
FOLDER = "org__model/abc"
PARTS = f"{FOLDER}/predictions/{SETUP.key}"


class Machine:
    """A cache that takes part in a store, and the warnings that it has got."""

    def __init__(self, root: Path, name: str) -> None:
        self.cache, self.store, self.warnings = root / name, root / "store", list[str]()
        self.store.mkdir(exist_ok=True)
        self.answers, self.shared = PredictionStore(self.cache), self.joins()

    def joins(self) -> SharedStore:
        """Take part in a further run."""
        self.shared = SharedStore(FolderObjects(self.store), self.cache, self.warnings.append)
        return self.shared

    def answer(self, *clips: str) -> None:
        """Compute the answers to some clips."""
        logits = np.array([0.5, -0.5], dtype=np.float32)
        self.answers.add(
            SETUP, [Prediction(clip_hash=clip, logits=logits, windows=1, failure=None, seconds=0.1) for clip in clips]
        )

    def fetch(self) -> None:
        """Fetch the answers of the candidate."""
        self.shared.fetch([FOLDER], ANSWERS)

    @property
    def known(self) -> str:
        return "".join(sorted(self.answers.read(SETUP)))

    @property
    def parts(self) -> list[str]:
        """The names of the parts that the cache has."""
        return sorted(path.name for path in (self.cache / PARTS).glob("*.parquet"))

    @property
    def stored(self) -> list[str]:
        """The names of the parts that the store has."""
        return sorted(path.name for path in (self.store / PARTS).glob("*.parquet"))


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Machine]:
    return lambda name: Machine(tmp_path, name)


def test_what_one_machine_writes_the_others_have(machine: Callable[[str], Machine]) -> None:
    first, second = machine("first"), machine("second")
    first.fetch()
    first.answer("a")
    first.answer("b")
    first.shared.push()
    second.fetch()
    assert second.known == "ab"
    assert second.parts == first.parts == second.stored
    second.answer("c")
    second.shared.push()
    first.joins()
    first.fetch()
    assert first.known == "abc"
    assert first.warnings == second.warnings == []


def test_pushing_again_writes_nothing(machine: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    first = machine("first")
    first.fetch()
    first.answer("a")
    first.shared.push()
    created, create = list[str](), FolderObjects.create

    def watch(self: FolderObjects, contents: Mapping[str, bytes]) -> Collection[str]:
        created.extend(contents)
        return create(self, contents)

    monkeypatch.setattr(FolderObjects, "create", watch)
    for shared in (first.shared, first.joins()):
        shared.fetch([FOLDER], ANSWERS)
        shared.push()
    assert created == []
    first.answer("b")
    first.shared.push()
    assert len(created) == 2


def test_merged_parts_leave_the_store_and_the_other_caches(machine: Callable[[str], Machine]) -> None:
    first, second = machine("first"), machine("second")
    first.fetch()
    for clip in "abc":
        first.answer(clip)
    first.shared.push()
    second.fetch()
    assert len(second.parts) == 3
    first.answers.compact(SETUP)
    first.shared.push()
    assert first.parts == first.stored
    assert len(first.stored) == 1
    for later in (second, machine("third")):
        later.joins()
        later.fetch()
        assert (later.known, later.parts) == ("abc", first.stored)
        later.answers.compact(SETUP)  # nothing is left to merge, so that no machine writes it all again
        later.shared.push()
        assert later.stored == first.parts


def test_two_machines_that_merge_at_once_lose_nothing(machine: Callable[[str], Machine]) -> None:
    first, second = machine("first"), machine("second")
    for own, clips in ((first, "ab"), (second, "cd")):
        own.fetch()
        for clip in clips:
            own.answer(clip)
        own.shared.push()
    for own in (first, second):
        own.joins()
        own.fetch()
    for own in (first, second):
        own.answers.compact(SETUP)
    first.shared.push()
    second.shared.push()
    third = machine("third")
    third.fetch()
    assert third.known == first.known[:2] + "cd" == "abcd"


def test_a_store_that_forbids_to_delete_still_works(
    machine: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FolderObjects, names: Sequence[str]) -> None:
        raise UnavailableError("Access Denied")

    monkeypatch.setattr(FolderObjects, "delete", refuse)
    first = machine("first")
    first.fetch()
    first.answer("a")
    first.answer("b")
    first.shared.push()
    first.answers.compact(SETUP)
    first.shared.push()
    assert len(first.stored) == 3
    second = machine("second")
    second.fetch()
    assert (second.known, second.parts) == ("ab", first.parts)  # what was merged is not copied
    first.joins()
    first.fetch()
    assert len(first.parts) == 1


def test_a_part_that_is_merged_between_listing_and_reading_is_found_in_the_merged_one(
    machine: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = machine("first"), machine("second")
    first.fetch()
    first.answer("a")
    first.answer("b")
    first.shared.push()
    first.answers.compact(SETUP)
    listed = FolderObjects.list

    def merge_meanwhile(self: FolderObjects, folders: Sequence[str]) -> Mapping[str, int]:
        names = listed(self, folders)
        monkeypatch.setattr(FolderObjects, "list", listed)
        first.shared.push()
        return names

    monkeypatch.setattr(FolderObjects, "list", merge_meanwhile)
    second.fetch()
    assert second.known == "ab"


@pytest.mark.parametrize("harm", ["content", "sidecar", "other kind"])
def test_a_damaged_part_is_named_once_and_not_used(machine: Callable[[str], Machine], harm: str) -> None:
    first, second = machine("first"), machine("second")
    first.fetch()
    first.answer("a")
    first.answer("b")
    first.shared.push()
    part = first.store / PARTS / first.stored[0]
    sidecar = part.with_name(f"{part.name}.meta")
    if harm == "other kind":
        rewrite(sidecar, kind="runs")
    else:
        flip(part if harm == "content" else sidecar, 800)
    damaged = part.read_bytes(), sidecar.read_bytes()
    second.fetch()
    second.fetch()
    assert second.known == "b"
    (warning,) = second.warnings
    assert warning.startswith(f"{part} is damaged: it") and warning.endswith("It is not used; delete it there.")
    second.answer("a")
    second.shared.push()
    assert (part.read_bytes(), sidecar.read_bytes()) == damaged
    third = machine("third")
    third.fetch()
    assert third.known == "ab"


def test_what_is_damaged_in_the_cache_does_not_get_into_the_store(machine: Callable[[str], Machine]) -> None:
    first = machine("first")
    first.fetch()
    first.answer("a")
    flip(first.cache / PARTS / first.parts[0], 800)
    first.shared.push()
    assert first.stored == []


def test_a_part_that_was_damaged_in_the_cache_stays_in_the_store_when_the_others_are_merged(
    machine: Callable[[str], Machine],
) -> None:
    first = machine("first")
    first.fetch()
    for clip in "abc":
        first.answer(clip)
    first.shared.push()
    flip(first.cache / PARTS / first.parts[0], 800)
    first.answers.compact(SETUP)
    first.shared.push()
    second = machine("second")
    second.fetch()
    assert second.known == "abc"


def test_nothing_is_overwritten_with_something_else(machine: Callable[[str], Machine]) -> None:
    first = machine("first")
    first.fetch()
    first.answer("a")
    sidecar = first.store / PARTS / f"{first.parts[0]}.meta"
    sidecar.parent.mkdir(parents=True)
    sidecar.write_bytes(b"{}")
    first.shared.push()
    assert (first.stored, sidecar.read_bytes()) == ([], b"{}")
    (warning,) = first.warnings
    assert warning == f"{sidecar} holds something else than the cache does; both stay."


@pytest.mark.parametrize(
    "name",
    [
        "speech/../../outside-00000001-1aaaaaaaa.json",
        "org__model/abc/converted/openvino-1/model.xml",
        "logs/part-00000001-1aaaaaaaa.json",
        "speech/.part-00000001-1aaaaaaaa.json",
        "models/part-00000001-1aaaaaaaa.parquet",
    ],
)
def test_a_hostile_store_gets_nothing_else_into_the_cache(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    parts = EntryParts(
        cache=source, kind=CacheKind.SPEECH, key=EntryKey(), content_schema=1, prefix="speech/part", suffix=".json"
    )
    parts.add(b"{}")
    (own,) = parts.names()

    class Hostile:
        address = "s3://hostile"

        def list(self, folders: Sequence[str]) -> Mapping[str, int]:
            return {name: 2, f"{name}.meta": 9, own: 2, f"{own}.meta": 9}

        def read(self, names: Sequence[str]) -> Mapping[str, bytes]:
            return {asked: (source / asked.replace(name, own)).read_bytes() for asked in names}

        def create(self, contents: Mapping[str, bytes]) -> Collection[str]:
            return ()

        def delete(self, names: Sequence[str]) -> None:
            pass

    SharedStore(Hostile(), tmp_path / "cache", print).fetch(["speech"], set(CacheKind))
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {f"{cache}/{own}{end}" for cache in ("source", "cache") for end in ("", ".meta")}


def test_the_largest_difference_to_the_reference_that_any_machine_has_found_counts(
    machine: Callable[[str], Machine],
) -> None:
    setup = SETUP.model_copy(update={"backend": "openvino"})
    machines = [machine("first"), machine("second")]
    for own in machines:
        own.shared.fetch([FOLDER], {CacheKind.CONVERTED})
    for own, difference in zip(machines, (2e-5, 1e-6), strict=True):
        check = ParityCheck(
            setup=setup.key, model="a", clips=("c",), compared=1, largest_difference=difference, allowed=1e-3
        )
        check.save(own.cache, setup)
        own.shared.push()
    for own in (*machines, machine("third")):
        own.joins().fetch([FOLDER], {CacheKind.CONVERTED})
        found = ParityCheck.load(own.cache, setup)
        assert found is not None and found.largest_difference == 2e-5


def test_what_a_newer_version_wrote_is_refused(machine: Callable[[str], Machine]) -> None:
    first, second = machine("first"), machine("second")
    first.fetch()
    first.answer("a")
    first.shared.push()
    rewrite(first.store / PARTS / f"{first.stored[0]}.meta", schema_version=99)
    with pytest.raises(RequestError, match="was written by a newer version of bench"):
        second.fetch()


def test_a_folder_that_is_gone_is_said_and_not_made_anew(machine: Callable[[str], Machine]) -> None:
    first = machine("first")
    first.fetch()
    first.answer("a")
    first.store.rmdir()
    with pytest.raises(UnavailableError, match=r"^The store .* is gone: is its file system still mounted\?$"):
        first.shared.push()
    assert not first.store.exists()
    first.store.mkdir()
    first.shared.push()
    assert first.stored == first.parts


def test_the_newest_run_is_that_with_the_largest_number(tmp_path: Path) -> None:
    store = SharedStore(FolderObjects(tmp_path), tmp_path / "cache", print)
    assert store.newest("runs") == 0
    (tmp_path / "runs").mkdir()
    for name in ("20260301T090500.000000Z-0011.json", "20260401T090500.000000Z-0003.json"):
        (tmp_path / "runs" / name).touch()
    assert store.newest("runs") == 11
