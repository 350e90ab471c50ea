import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.demo.files import checkpoints_path
from benchmark.errors import RequestError, UnavailableError
from benchmark.progress import Silent
from benchmark.results.cache_check import check_cache
from benchmark.results.cache_entries import CacheKind
from benchmark.results.cache_listing import delete_entries, list_cache
from benchmark.settings import Settings
from benchmark.training.features import EncoderSource, FeatureTable, FeatureWriter
from benchmark.training.recipe import ProbeRecipe
from tests.support.recordings import Recordings, demo_recordings
from tests.support.tiny_models import write_tiny


class _Counting(Silent):
    """Counts the clips that are encoded, and ends the work after some of them."""

    def __init__(self, stop_after: int = 1_000) -> None:
        self.encoded, self._stop_after = 0, stop_after

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Any]:
        yield self

    def advance(self, amount: float = 1) -> None:
        self.encoded += 1
        if self.encoded == self._stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return demo_recordings(tmp_path_factory.mktemp("recordings"), speakers=2, emotions=("anger", "sadness"))


def write(
    recordings: Recordings, kept: Path, progress: _Counting, *, recipe: ProbeRecipe | None = None, **source: Any
) -> dict[str, str]:
    encoder = checkpoints_path() / "wavlm-encoder"
    writer = FeatureWriter(
        encoder=EncoderSource(**{"id": "org/encoder", "revision": "1", "folder": encoder, **source}),
        clips=recordings.clips,
        clip_hashes=recordings.hashes,
        settings=Settings(cache=kept / "cache"),
        progress=progress,
    )
    return writer.write(recipe or ProbeRecipe(), kept)


def encoded(recordings: Recordings, folder: Path, **source: Any) -> int:
    progress = _Counting()
    write(recordings, folder, progress, **source)
    return progress.encoded


def test_features_are_computed_once_and_belong_to_encoder_revision_view_and_copy(
    recordings: Recordings, tmp_path: Path
) -> None:
    assert encoded(recordings, tmp_path) == 8
    first = np.array(FeatureTable.open(tmp_path, ProbeRecipe()).states)
    assert encoded(recordings, tmp_path) == 0
    np.testing.assert_array_equal(FeatureTable.open(tmp_path, ProbeRecipe()).states, first)
    copies = ProbeRecipe.model_validate({"copies": 1, "augmentation": {"gain_db": 6}})
    assert encoded(recordings, tmp_path, recipe=copies) == 8
    assert FeatureTable.open(tmp_path, copies).states.shape == (16, *first.shape[1:])
    np.testing.assert_array_equal(FeatureTable.open(tmp_path, copies).states[:8], first)
    assert encoded(recordings, tmp_path, recipe=ProbeRecipe(layers="best")) == 8
    assert encoded(recordings, tmp_path, revision="2") == 8


def test_what_an_interrupted_run_has_encoded_is_kept_listed_checked_and_pruned(
    recordings: Recordings, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(recordings, tmp_path, _Counting(stop_after=3))
    (entry,) = [entry for entry in list_cache(tmp_path / "cache").entries if entry.kind is CacheKind.FEATURES]
    assert (entry.candidate, entry.clips, entry.stale) == ("org/encoder", 3, None)
    assert encoded(recordings, tmp_path) == 5
    parts = sorted((tmp_path / "cache").rglob("features/*/*.parquet"))
    content = bytearray(parts[0].read_bytes())
    content[len(content) // 2] ^= 1
    parts[0].write_bytes(content)
    assert [damaged.kind for damaged in check_cache(tmp_path / "cache").damaged] == [CacheKind.FEATURES]
    assert encoded(recordings, tmp_path) == 3
    delete_entries(tmp_path / "cache", list_cache(tmp_path / "cache").entries)
    assert encoded(recordings, tmp_path) == 8


def test_a_clip_that_is_too_short_has_no_row_and_a_reason(recordings: Recordings, tmp_path: Path) -> None:
    lengths = recordings.clips.lengths.copy()
    recordings.clips.lengths[1] = 100
    try:
        for _ in range(2):  # computed, and from the cache
            assert list(write(recordings, tmp_path, _Counting())) == [recordings.hashes[1]]
            assert FeatureTable.open(tmp_path, ProbeRecipe()).clips.tolist() == [0, 2, 3, 4, 5, 6, 7]
    finally:
        recordings.clips.lengths[:] = lengths


def test_an_encoder_that_cannot_be_used_is_a_sentence(recordings: Recordings, tmp_path: Path) -> None:
    sew = write_tiny("sew", tmp_path / "sew")
    with pytest.raises(RequestError) as raised:
        write(recordings, tmp_path, _Counting(), recipe=ProbeRecipe(layers="best"), folder=sew)
    assert str(raised.value) == (
        "The encoder org/encoder cannot be used: a sew encoder cannot be cut behind a layer: take the recipe `probe`, "
        "which needs no cut."
    )


def test_a_full_disk_is_a_sentence(recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: Any) -> Any:
        if path.suffix == ".float32" and mode == "wb":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UnavailableError, match="the disk is full; make room and run again"):
        write(recordings, tmp_path, _Counting())
