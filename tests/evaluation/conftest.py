"""Tiny checkpoints and a few recordings, ready to be run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.corpora.clips import Clip
from benchmark.evaluation.context import RunOptions
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.evaluate import Evaluation
from tests.support.evaluations import OPENVINO, Run, evaluation_of, tiny_subject, write_clips


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Give two usable candidates of different architectures, by model type."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {model_type: tiny_subject(model_type, folder / model_type) for model_type in ("wav2vec2", "hubert")}


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give six recordings; the last one is too short for a model, the one before it no audio at all."""
    return write_clips(tmp_path_factory.mktemp("clips"), (0.6, 0.5, 0.7, 0.4, 0.0, 0.01))


@pytest.fixture
def evaluation(subjects: dict[str, Subject], clips: tuple[Clip, ...], tmp_path: Path) -> Callable[..., Evaluation]:
    """Give a function that sets up a run of both subjects on the recordings, or on others, in the test's cache."""

    def set_up(*, clips: tuple[Clip, ...] = clips, cache: Path = tmp_path / "cache", **options: object) -> Evaluation:
        return evaluation_of(tuple(subjects.values()), clips, cache, **options)  # type: ignore[arg-type]

    return set_up


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give recordings of all lengths, one of two windows, one too short for the model, and one that is no audio."""
    seconds = (0.03, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.3, 31.5, 0.01, 0.0)
    return write_clips(tmp_path_factory.mktemp("recordings"), seconds)


@pytest.fixture(scope="session")
def converted(
    subjects: dict[str, Subject], recordings: tuple[Clip, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Run]:
    """Give a cache in which one candidate was run with OpenVINO, and that run; it is copied, never changed."""
    folder = tmp_path_factory.mktemp("converted")
    return folder, Run(evaluation_of((subjects["hubert"],), recordings, folder, options=OPENVINO))


@pytest.fixture
def run(
    subjects: dict[str, Subject], recordings: tuple[Clip, ...], converted: tuple[Path, Run], tmp_path: Path
) -> Callable[..., Run]:
    """Give a function that runs that candidate in a copy of that cache, `tmp_path / "cache"`, or in an empty one."""

    def ran(*, options: RunOptions = OPENVINO, kept: slice = slice(None), empty: bool = False, **others: object) -> Run:
        folder = tmp_path / "cache"
        if not folder.exists() and not empty:
            shutil.copytree(converted[0], folder, ignore=shutil.ignore_patterns("temporary"))
        evaluation = evaluation_of((subjects["hubert"],), recordings[kept], folder, options=options, **others)  # type: ignore[arg-type]
        return Run(evaluation)

    return ran
