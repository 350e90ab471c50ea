import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

import benchmark
from benchmark.api.train import TrainOutcome
from benchmark.demo.files import demo_clips
from benchmark.errors import RequestError
from benchmark.progress import Silent
from benchmark.results.training_record import OutOfFold, TrainingRecord
from benchmark.settings import Settings
from benchmark.training.jobs import FitResult

MERGE_ALL = tuple(f"{name}=neutral" for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise"))
SMALL = """
kind = "network"
network = "cnn"
channels = [4, 4, 6, 6, 8]
crop_s = 0.6
[fit]
epochs = 2
learning_rate = {rate}
[augmentation]
speed = [0.9, 1.0]
mixup = 0.2
mask_count = 1
"""


class _StoppedError(Exception):
    pass


class _StopAfter(Silent):
    """Ends a training when so many fits have ended."""

    def __init__(self, fits: float) -> None:
        self.left = fits

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Any]:
        yield self if unit == "fits" else Silent().stage(description, total=total).__enter__()

    def advance(self, amount: float = 1) -> None:
        self.left -= amount
        if self.left < 0.5:
            raise _StoppedError

    def describe(self, text: str) -> None:
        pass


def recipe(folder: Path, *, rate: float = 0.01) -> Path:
    path = folder / "small.toml"
    path.write_text(SMALL.format(rate=rate))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainOutcome:
    folder = tmp_path_factory.mktemp("trained")
    return benchmark.train(
        "demo:",
        recipe=recipe(folder),
        folds="2",
        output=folder / "mine",
        settings=Settings(cache=folder / "cache"),
    )


def test_each_clip_is_answered_by_a_fold_that_has_not_heard_its_speaker(trained: TrainOutcome) -> None:
    answers, record = trained.out_of_fold, trained.record
    assert answers is not None
    assert len(answers.clips) == len(list(demo_clips()))
    for fold in record.folds:
        assert not set(fold.train_speakers) & set(fold.test_speakers)
        own = {speaker for speaker, number in zip(answers.speakers, answers.folds, strict=True) if number == fold.fold}
        assert own == set(fold.test_speakers)


def test_scores_are_those_of_the_pooled_answers(trained: TrainOutcome) -> None:
    rows = pq.read_table(trained.folder / "out_of_fold.parquet").to_pylist()
    truth, predicted = [row["label"] for row in rows], [row["predicted"] for row in rows]
    score, majority, functionals = trained.record.scores
    assert majority.uar == pytest.approx(1 / 7)
    assert (functionals.uar or 0) > 0.3
    assert score.uar == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert score.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    sums = [sum(pair["probability"] for pair in row["probabilities"]) for row in rows]
    assert sums == pytest.approx([1.0] * len(rows), abs=1e-5)


def test_a_notebook_shows_the_report(trained: TrainOutcome) -> None:
    assert re.fullmatch(r"<TrainOutcome: .*, trained on demo, UAR 0\.\d\d \[.*\] out of fold>", repr(trained))
    html = trained._repr_html_()
    assert "What it is worth" in html
    assert "<table>" in html


def test_the_folder_is_a_candidate_like_any_other(trained: TrainOutcome, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    verified = benchmark.verify(models=[str(trained.folder)], output=tmp_path, settings=settings)
    (verification,) = verified.report.candidates
    assert verification.status == "usable", verification.reason
    assert verification.labels == trained.record.labels
    names = {path.name for path in trained.folder.iterdir()}
    assert {"model.safetensors", "config.json", "training.md", "training.html", "README.md"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pt")) or name == "unfinished"}
    assert TrainingRecord.of_folder(trained.folder) == trained.record
    assert OutOfFold.read(trained.folder / "out_of_fold.parquet") is not None
    assert list((tmp_path / "cache" / "temporary").iterdir()) == []


def test_a_second_seed_and_a_resumed_training_give_the_same_answers(trained: TrainOutcome, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"recipe": recipe(tmp_path), "folds": "2", "output": tmp_path / "mine", "seeds": 2}
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(_StoppedError):
        benchmark.train("demo:", **arguments, settings=settings, progress=_StopAfter(3))
    finished = sorted(path.name for path in (tmp_path / "mine" / "unfinished").iterdir())
    assert 1 <= len(finished) <= 4
    before = {name: (tmp_path / "mine" / "unfinished" / name).read_bytes() for name in finished}
    first = json.loads(before[finished[0]])["result"]
    resumed = benchmark.train("demo:", **arguments, settings=settings, resume=True)
    assert resumed.out_of_fold is not None
    assert trained.out_of_fold is not None
    np.testing.assert_allclose(resumed.out_of_fold.probabilities, trained.out_of_fold.probabilities, atol=1e-5)
    assert [score.seed for score in resumed.record.scores] == [1, 2, None, None, 1]
    assert FitResult.from_plain(first).seconds in {fold.seconds for fold in resumed.record.folds}


def test_a_loss_that_is_not_finite_leaves_no_candidate(tmp_path: Path) -> None:
    outcome = benchmark.train(
        "demo:",
        recipe=recipe(tmp_path, rate=1e30),
        folds="2",
        output=tmp_path / "mine",
        settings=Settings(cache=tmp_path / "cache"),
    )
    assert outcome.exit_code == 1
    assert "lower the learning_rate" in outcome.problems[0]
    assert outcome.out_of_fold is None
    assert not (tmp_path / "mine" / "model.safetensors").exists()
    assert "There is no candidate" in (tmp_path / "mine" / "training.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"corpus": None}, "Say what to train on"),
        ({"recipe": "cn"}, "did you mean 'cnn'"),
        ({"output": "holds"}, "holds other files"),
        ({"output": "trained"}, "holds a candidate"),
        ({"folds": "column:room"}, "room"),
        ({"test": "demo:"}, "112 recordings of --test are trained on"),
        (
            {"merge": [f"{name}=neutral" for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise")]},
            "neutral",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    arguments: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("holds/letter.txt", "trained/training.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("{}")
    with pytest.raises(RequestError, match=sentence):
        benchmark.train(**{"corpus": "demo:", "settings": Settings(cache=tmp_path / "cache"), **arguments})


def test_a_network_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('kind = "network"\nnetwork = "cnn"\nchannels = [4, 8]\npools = [[2, 2]]\n')
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(RequestError, match="describes no network: pools must have one entry for each"):
        benchmark.train("demo:", recipe=path, folds="2", output=tmp_path / "mine", settings=settings)


def test_finished_fits_are_lost_to_no_other_training(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {
        "folds": "2",
        "output": tmp_path / "mine",
        "settings": Settings(cache=tmp_path / "cache"),
    }
    fit = tmp_path / "mine" / "unfinished" / "seed-1-fold-1.json"
    fit.parent.mkdir(parents=True)
    fit.write_text('{"key": "other"}')
    with pytest.raises(RequestError, match="--resume goes on from there"):
        benchmark.train("demo:", recipe=recipe(tmp_path), **arguments)
    with pytest.raises(RequestError, match="fits of another training"):
        benchmark.train("demo:", recipe=recipe(tmp_path), resume=True, **arguments)
    assert fit.exists()


def test_an_ensemble_shows_its_members_and_whether_it_is_better_than_the_best(tmp_path: Path) -> None:
    (tmp_path / "strong.toml").write_text('kind = "functionals"\nstrengths = [1e-7]\n')
    (tmp_path / "both.toml").write_text('kind = "ensemble"\nmembers = ["functionals", "strong.toml"]\n')
    alone, both = (
        benchmark.train(
            "demo:", recipe=recipe, folds="2", output=tmp_path / name, settings=Settings(cache=tmp_path / "cache")
        )
        for name, recipe in (("alone", "functionals"), ("both", tmp_path / "both.toml"))
    )
    scores = {score.name: score for score in both.record.scores}
    assert scores["member functionals"].uar == alone.record.scores[0].uar
    own, strong = scores["both"].uar or 0, scores["member strong"].uar or 0
    best = max(strong, scores["member functionals"].uar or 0)
    (finding,) = (finding for finding in both.record.findings if finding.kind == "ensemble")
    assert f"is {own - best:+.3f} from that of its best member" in finding.sentence
    assert not [finding for finding in alone.record.findings if finding.kind == "ensemble"]
