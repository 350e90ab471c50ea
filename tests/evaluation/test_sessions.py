"""What a session sends to its worker, and when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.evaluation import sessions
from benchmark.evaluation.decoding import ClipWindow
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.settings import Settings
from benchmark.workers.answers import Returned

RATE = 16_000


def answers(session: ModelSession, windows: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Ask about clips of one window each."""
    heard = [ClipWindow(str(place), window) for place, window in enumerate(windows)]
    ended = [one for window in heard for one in (window, replace(window, samples=None))]
    given = [*session.answers(ended)]
    assert [one.window for one in given] == ended
    return [one.answer.value["logits"] for one in given if isinstance(one.answer, Returned)]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_gpu_gets_its_windows_ahead_and_a_processor_one_by_one(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    on_its_way: list[int] = []
    exchange = ModelSession.exchange

    def watched(self: ModelSession, windows: list[NDArray[np.float32]], most_pending: int) -> object:
        on_its_way.append(most_pending)
        return exchange(self, windows, most_pending)

    monkeypatch.setattr(ModelSession, "exchange", watched)
    # There is no GPU here: what is sent is the same, and the processor computes it.
    monkeypatch.setattr(sessions, "load_options", lambda subject, engine: LoadOptions())
    random = np.random.default_rng(2)
    windows = [random.normal(0, 0.1, RATE + 100 * place).astype(np.float32) for place in range(5)]
    settings = Settings(cache=tmp_path)
    reference = Implementation(Engine(device=device))
    with ModelSession(subjects["hubert"], reference, threads=1, settings=settings) as session:
        assert isinstance(session.load(), LoadReport)
        found = answers(session, windows)
        alone = [session.predict(window) for window in windows]
    for one, other in zip(found, alone, strict=True):
        assert isinstance(other, Returned)
        assert np.array_equal(one, other.value["logits"])
    assert on_its_way[:5] == ([] if device == "cpu" else [3] * 5)
