from pathlib import Path

import numpy as np
import pytest

from benchmark.results.encoder_features import EncodedClip, FeatureSetup, FeatureStore

SETUP = FeatureSetup(encoder="org/encoder", revision="1", view="hidden", versions={"torch": "2"})


def clip(name: str, windows: int, *, failure: str | None = None) -> EncodedClip:
    states = np.random.default_rng(windows).normal(size=(windows, 2, 3)).astype(np.float32)
    return EncodedClip(clip_hash=name, samples=np.arange(windows) + 1, states=states, failure=failure)


def test_windows_states_and_failures_come_back_by_setup(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, shape=(2, 3))
    stored = [clip("a", 1), clip("b", 0, failure="it is too short"), clip("c", 3)]
    store.add(SETUP, stored[:2])
    store.add(SETUP, stored[2:])
    read = list(store.read(SETUP))
    assert [(own.clip_hash, own.samples.tolist(), own.failure) for own in read] == [
        ("a", [1], None),
        ("b", [], "it is too short"),
        ("c", [1, 2, 3], None),
    ]
    for own, expected in zip(read, stored, strict=True):
        np.testing.assert_array_equal(own.states, expected.states)
    assert list(store.read(SETUP.model_copy(update={"copy_number": 1}))) == []


def test_states_of_another_shape_are_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    FeatureStore(tmp_path, shape=(2, 3)).add(SETUP, [clip("a", 1)])
    assert list(FeatureStore(tmp_path, shape=(2, 4)).read(SETUP)) == []
    assert "is damaged" in caplog.text
