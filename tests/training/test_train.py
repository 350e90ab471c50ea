from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchmark
from benchmark.api.train import TrainOutcome
from benchmark.demo.files import checkpoints_path
from benchmark.errors import RequestError
from benchmark.results.status import Status
from benchmark.settings import Settings

ENCODER = checkpoints_path() / "hubert-german"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def trained(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> TrainOutcome:
    output = tmp_path_factory.mktemp("trained") / "mine"
    return benchmark.train("demo:", recipe="probe", model=str(ENCODER), folds="2", output=output, settings=settings)


def test_a_probe_is_a_usable_candidate_that_knows_its_encoder(
    trained: TrainOutcome, settings: Settings, tmp_path: Path
) -> None:
    assert trained.record.encoder == str(ENCODER)
    assert len(trained.record.encoder_revision or "") == 40
    assert all(fold.chosen["inner_folds"] == 4 for fold in trained.record.folds)
    assert trained.out_of_fold is not None
    assert np.isfinite(trained.out_of_fold.probabilities).all()
    verified = benchmark.verify(models=[str(trained.folder)], output=tmp_path, settings=settings)
    assert [candidate.status for candidate in verified.report.candidates] == [Status.USABLE]


def test_an_encoder_is_named_for_recipes_that_need_one_only(settings: Settings, tmp_path: Path) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"recipe": "probe"}, "needs an encoder: name one, such as"),
        ({"recipe": "cnn", "model": str(ENCODER)}, "this recipe trains from scratch: leave it out"),
        ({"recipe": "probe", "model": str(tmp_path / "none")}, "there is no folder"),
    )
    for given, message in cases:
        with pytest.raises(RequestError, match=message):
            benchmark.train("demo:", output=tmp_path / "mine", settings=settings, **given)
