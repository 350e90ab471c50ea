import errno

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring import leaderboard
from benchmark.scoring.array_file import ArrayFile, StoredArray
from tests.scoring.conftest import EMOTIONS, RunBuilder, mostly_right


def large_run(run: RunBuilder) -> Leaderboard:
    corpus = run.acted_corpus()
    for seed, share in enumerate((0.9, 0.6, 0.3)):
        answers = mostly_right(corpus, share, seed)
        answers[seed] = None
        run.add(run.candidate(f"model-{seed}"), corpus, answers)
    run.add(run.candidate("narrow", EMOTIONS[:3]), corpus, ["anger"] * len(corpus.clips))
    return run.score()


def test_arrays_come_back_in_any_order() -> None:
    file, generator = ArrayFile(), np.random.default_rng(0)
    arrays = [generator.normal(size=shape) for shape in ((4, 3), (0, 3), (7, 2), (5, 0))]
    stored = [file.add(array) for array in arrays]
    for index in (2, 0, 3, 1, 2):
        kept = stored[index]
        assert isinstance(kept, StoredArray)
        np.testing.assert_array_equal(kept.read(), arrays[index])


def test_probabilities_in_a_file_give_the_same_leaderboard(run: RunBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = large_run(run)
    monkeypatch.setattr(leaderboard, "ANSWERS_IN_MEMORY", 0)
    added: list[object] = []
    add = ArrayFile.add

    def remember(file: ArrayFile, values: NDArray[np.float64]) -> NDArray[np.float64] | StoredArray:
        added.append(add(file, values))
        return add(file, values)

    monkeypatch.setattr(ArrayFile, "add", remember)
    assert run.score().model_dump_json() == in_memory.model_dump_json()
    assert len(added) == len(in_memory.rows)
    assert all(isinstance(kept, StoredArray) for kept in added)


def test_a_full_disk_costs_memory_and_nothing_else(run: RunBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = large_run(run)

    class FullDisk:
        def seek(self, _offset: int) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(leaderboard, "ANSWERS_IN_MEMORY", 0)
    monkeypatch.setattr("benchmark.scoring.array_file.tempfile.TemporaryFile", FullDisk)
    assert run.score().model_dump_json() == in_memory.model_dump_json()
