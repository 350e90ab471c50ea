"""Tiny checkpoints and a few recordings, ready to be run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.emotions.label_map import map_labels
from benchmark.evaluation.evaluate import Evaluation, RunOptions
from benchmark.evaluation.subjects import Subject
from benchmark.registry.schema import Candidate
from benchmark.results.environment import Environment
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from tests.support.tiny_models import EMOTIONS, write_tiny

RATE = 16_000


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Give two usable candidates of different architectures, by model type."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {model_type: _subject(model_type, folder / model_type) for model_type in ("wav2vec2", "hubert")}


def _subject(model_type: str, folder: Path) -> Subject:
    write_tiny(model_type, folder)
    verification = Verification(
        candidate=model_type,
        id=str(folder),
        revision="r1",
        status=Status.USABLE,
        reason="",
        labels=EMOTIONS,
        emotions=map_labels(EMOTIONS).emotions,
        sampling_rate=RATE,
        window_s=30.0,
        parameters=10_000,
    )
    return Subject(Candidate(id=str(folder), name=model_type), verification, folder)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give six recordings; the last one is too short for a model, the one before it no audio at all."""
    folder = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(7)
    made = []
    for index, seconds in enumerate((0.6, 0.5, 0.7, 0.4, 0.0, 0.01)):
        path = folder / f"{index}.wav"
        soundfile.write(path, random.normal(0, 0.1, int(seconds * RATE)), RATE)
        made.append(Clip(name=path.name, audio=AudioFile(path), label=EMOTIONS[index % 5], speaker=str(index % 3)))
    (folder / "4.wav").write_bytes(b"no audio")
    return tuple(made)


@pytest.fixture
def evaluation(subjects: dict[str, Subject], clips: tuple[Clip, ...], tmp_path: Path) -> Callable[..., Evaluation]:
    """Give a function that sets up a run of both subjects on the recordings."""

    def set_up(*, kept: int = 6, settings: Settings | None = None, options: RunOptions | None = None) -> Evaluation:
        settings = settings or Settings(cache=tmp_path)
        return Evaluation(
            subjects=tuple(subjects.values()),
            corpora=[Corpus(name="six", source="folder:six", clips=clips[:kept], available_clips=kept)],
            devices=("cpu",),
            options=options or RunOptions(latency_budget_s=0),
            settings=settings,
            store=PredictionStore(settings.cache),
            environment=Environment.here(),
        )

    return set_up
