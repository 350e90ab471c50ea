"""ONNX files without a checkpoint, in ONNX Runtime."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.models.backends.protocol import Streams
from benchmark.models.load_reports import CheckpointError, LoadOptions, TooShortError
from benchmark.models.onnx_files import OnnxModel, load_onnx
from tests.support.onnx_models import LABELS, expected_logits, write_onnx

PREPROCESSOR = {"sampling_rate": 16_000, "do_normalize": False}
NOISE = np.random.default_rng(3).normal(0, 0.1, 24_000).astype(np.float32)


def load(folder: Path, *, labels: tuple[str, ...] = LABELS, preprocessor: dict[str, Any] | None = None) -> OnnxModel:
    options = LoadOptions(
        onnx={"file": "model.onnx", "labels": list(labels)}, preprocessor=preprocessor or PREPROCESSOR
    )
    return load_onnx(folder, options, Streams(threads=1))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"shape": ("batch", "time")},
        {"shape": ("time",)},
        {"mask": True},
        {"kind": 11},
        {"external": "model.onnx_data"},
    ],
    ids=["batch-of-one", "any-batch", "no-batch", "mask", "double", "external-weights"],
)
def test_logits_are_those_of_a_second_implementation(tmp_path: Path, form: dict[str, Any]) -> None:
    write_onnx(tmp_path / "model.onnx", **form)
    model = load(tmp_path)
    for samples in (NOISE, NOISE[:4_000] * 3):
        assert model.logits(samples) == pytest.approx(expected_logits(samples), abs=1e-5)
    assert (model.report.head, model.report.head_parameters["outputs"]) == ("onnx", "logits")
    assert model.report.parameters is not None
    assert model.report.parameters >= 12


def test_probabilities_are_told_from_logits(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx", softmax=True)
    model = load(tmp_path)
    assert model.report.head_parameters["outputs"] == "probabilities"
    odds = np.exp(expected_logits(NOISE))
    assert np.exp(model.logits(NOISE).astype(np.float64)) == pytest.approx(odds / odds.sum(), abs=1e-6)


def test_a_fixed_length_is_the_window_and_is_filled_up(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx", shape=(1, 8_000))
    model = load(tmp_path)
    assert (model.report.window_s, model.report.fixed_window) == (0.5, True)
    padded = np.pad(NOISE[:3_000], (0, 5_000))
    assert model.logits(NOISE[:3_000]) == pytest.approx(expected_logits(padded), abs=1e-5)


def test_samples_are_normalised_where_the_folder_says_so(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx")
    described = {"sampling_rate": 8_000, "do_normalize": True}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(described), encoding="utf-8")
    options = LoadOptions(onnx={"file": "model.onnx", "labels": list(LABELS)})
    model = load_onnx(tmp_path, options, Streams(threads=1))
    assert model.report.sampling_rate == 8_000
    normalised = ((NOISE - NOISE.mean()) / np.sqrt(NOISE.var() + 1e-7)).astype(np.float32)
    assert model.logits(NOISE) == pytest.approx(expected_logits(normalised), abs=1e-4)


def test_what_is_too_short_is_said(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx")
    model = load(tmp_path)
    with pytest.raises(TooShortError):
        model.logits(NOISE[: model.shortest - 1])


@pytest.mark.parametrize(
    ("form", "labels", "reason"),
    [
        ({"shape": (1, 80, "time")}, LABELS, "bench feeds one waveform"),
        ({"kind": 7}, LABELS, "bench feeds one waveform"),
        ({"labels": 2}, LABELS, "its output has 2 scores, and 3 labels are named"),
        ({"domain": "com.example"}, LABELS, "needs the operator Special of com.example"),
        (
            {"external": "../secret.bin"},
            LABELS,
            "keeps weights in '../secret.bin', and bench reads only files beside it",
        ),
        ({"external": "/etc/hostname"}, LABELS, "and bench reads only files beside it"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, form: dict[str, Any], labels: tuple[str, ...], reason: str
) -> None:
    write_onnx(tmp_path / "model" / "model.onnx", **form)
    (tmp_path / "secret.bin").write_bytes(b"\0" * 36)
    with pytest.raises(CheckpointError, match=reason.replace("(", r"\(").replace(".", r"\.")):
        load(tmp_path / "model", labels=labels)


def test_damaged_files_and_missing_weights_are_refused(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "model.onnx", external="weights.bin")
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(CheckpointError):
        load(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(CheckpointError, match=r"'weights\.bin', which is not there"):
        load(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        load(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="holds no model"):
        load(tmp_path)
    path.write_bytes(b"\xff" * 1_000)
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        load(tmp_path)
