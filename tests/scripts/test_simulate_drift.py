import pytest

from scripts import simulate_drift
from scripts.simulate_drift import half, measured, one, rates


@pytest.mark.usefixtures("shared")
def test_other_speakers_of_one_corpus_are_alike_and_changed_recordings_differ() -> None:
    if not (simulate_drift.SHARED / "corpora").is_dir():
        pytest.skip("the recordings lie elsewhere: set BENCH_SHARED")
    emodb = measured("emodb_4class", every=4)
    assert rates(emodb, emodb, half, 100).fired <= 0.05
    ravdess = measured("ravdess", every=12)
    assert rates(emodb, ravdess, half, 5).fired == 1.0
    for change in simulate_drift.CHANGES:
        assert rates(emodb, measured("emodb_4class", change, every=4), one, 20).fired == 1.0
