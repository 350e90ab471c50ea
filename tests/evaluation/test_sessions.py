"""What a session sends to its worker, and when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.corpora.audio_reader import ClipWindow
from benchmark.evaluation import sessions
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.backends.protocol import Engine
from benchmark.models.load_reports import LoadOptions, LoadReport
from benchmark.settings import Settings
from benchmark.workers.answers import Returned

RATE = 16_000


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_gpu_gets_its_windows_ahead_and_a_processor_one_by_one(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    pending: list[int] = []
    exchange = ModelSession.exchange

    def watched(self: ModelSession, windows: list[NDArray[np.float32]], most_pending: int) -> object:
        pending.append(most_pending)
        return exchange(self, windows, most_pending)

    monkeypatch.setattr(ModelSession, "exchange", watched)
    # There is no GPU here: what is sent is the same, and the processor computes it.
    monkeypatch.setattr(sessions, "load_options", lambda subject, engine, settings: LoadOptions())
    random = np.random.default_rng(2)
    clips = [ClipWindow(str(index), random.normal(0, 0.1, RATE + 100 * index).astype(np.float32)) for index in range(5)]
    windows = [window for clip in clips for window in (clip, replace(clip, samples=None))]
    reference = Implementation(Engine(device=device))
    with ModelSession(subjects["hubert"], reference, threads=1, settings=Settings(cache=tmp_path)) as session:
        assert isinstance(session.load(), LoadReport)
        answered = [*session.answers(windows)]
        alone = [None if window.samples is None else session.predict(window.samples) for window in windows]
    assert [answer.window for answer in answered] == windows
    for answer, expected in zip(answered, alone, strict=True):
        assert (answer.answer is None) == (expected is None)
        if isinstance(answer.answer, Returned) and isinstance(expected, Returned):
            assert np.array_equal(answer.answer.value["logits"], expected.value["logits"])
    assert pending[:5] == ([] if device == "cpu" else [3] * 5)
