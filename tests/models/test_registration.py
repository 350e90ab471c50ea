"""Folders with models of bench's own are candidates like any other: verified, run on every engine, asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import benchmark
from benchmark.models.ensemble_network import join_members
from benchmark.results.status import Status
from benchmark.settings import Settings
from tests.support.tiny_models import edit_json, write_network, write_tiny


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random but whole: a network, and an ensemble of one and a stock classifier; and hostile copies."""
    benchmark.register_models()
    folder = tmp_path_factory.mktemp("candidates")
    network = write_network("multiscale", folder / "network")
    members = [network, write_tiny("wav2vec2", folder / "wav2vec2")]
    giant = {"model_type": "wav2vec2", "id2label": dict.fromkeys("01234", "x"), "hidden_size": 10**9}
    hostile: dict[str, dict[str, Any]] = {
        "channels": {"channels": [10**9] * 4},
        "name": {"network": ["cnn"]},
        "members": {"model_type": "bench-ensemble", "members": [{**giant, "num_hidden_layers": 10**9}]},
        "truncated": {"channels": [16, 24, 48, 71]},
    }
    for name, fields in hostile.items():
        edit_json(write_network("multiscale", folder / name) / "config.json", **fields)
    return {
        "network": network,
        "ensemble": join_members(members, folder / "ensemble"),
        **{name: folder / name for name in hostile},
    }


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache=tmp_path_factory.mktemp("cache") / "bench")


def test_whole_folders_are_usable_and_hostile_ones_rejected_in_a_sentence(
    folders: dict[str, Path], settings: Settings, tmp_path: Path
) -> None:
    outcome = benchmark.verify(models=[str(path) for path in folders.values()], output=tmp_path, settings=settings)
    verdicts = {verification.candidate: verification for verification in outcome.report.candidates}
    assert {name: verdict.status for name, verdict in verdicts.items()} == {
        "network": Status.USABLE,
        "ensemble": Status.USABLE,
        "channels": Status.INVALID_CONFIG,
        "name": Status.INVALID_CONFIG,
        "members": Status.OUT_OF_MEMORY,
        "truncated": Status.LOAD_FAILED,
    }
    assert all("Traceback" not in verdict.reason and len(verdict.reason) < 400 for verdict in verdicts.values())


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_an_ensemble_runs_on_the_reference_and_on_a_faster_engine(
    folders: dict[str, Path], settings: Settings, tmp_path: Path, backend: str
) -> None:
    outcome = benchmark.run(
        "demo",
        models=[str(folders["ensemble"])],
        corpora=["demo-unlabelled"],
        backend=backend,
        latency_seconds=0,
        find_speech=False,
        output=tmp_path / "reports",
        settings=settings,
    )
    rows = outcome.leaderboard.rows
    assert [(row.candidate, row.clips) for row in rows] == [("ensemble", 12)]
    assert {evaluation.setup.backend for evaluation in outcome.record.evaluations} == {backend}


def test_they_are_asked_about_single_recordings(folders: dict[str, Path], settings: Settings, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 2 * 16_000)
    soundfile.write(tmp_path / "call.wav", samples, 16_000)
    outcome = benchmark.predict(str(folders["ensemble"]), tmp_path / "call.wav", settings=settings)
    assert outcome.result.timelines[0].stretches()
