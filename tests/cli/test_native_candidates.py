"""Models that other toolkits saved, by the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from tests.support.command_line import Bench, bench_here
from tests.support.native_models import (
    Logits,
    Odyssey,
    SpeechBrain,
    VoxProfile,
    write_odyssey,
    write_speechbrain,
    write_vox_profile,
)

WRITERS: dict[str, Callable[[Path], Logits]] = {
    "vox": write_vox_profile,
    "odyssey": write_odyssey,
    "speechbrain": write_speechbrain,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("native")
    write_vox_profile(folder / "vox", VoxProfile())
    write_vox_profile(folder / "lora", VoxProfile(lora=True))
    write_odyssey(folder / "odyssey", Odyssey())
    write_odyssey(folder / "rating", Odyssey(labels=("arousal", "dominance", "valence")))
    write_speechbrain(folder / "speechbrain", SpeechBrain())
    write_speechbrain(folder / "narrow", SpeechBrain(width=40))
    write_speechbrain(folder / "damaged", SpeechBrain())
    (folder / "damaged" / "wav2vec2.ckpt").write_bytes(b"x" * 1_000)
    return folder


def verify(bench: Bench, folder: Path, *names: str, options: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    models = [argument for name in names for argument in ("-m", str(folder / name))]
    ended = bench("verify", "--json", *models, *options)
    assert ended.returncode == 0, ended.stderr
    return {verdict["candidate"]: verdict for verdict in json.loads(ended.stdout)["candidates"]}


def test_models_of_other_toolkits_are_rebuilt_and_always_shown_as_such(bench: Bench, folder: Path) -> None:
    verdicts = verify(bench, folder, "vox", "odyssey", "speechbrain")
    assert {name: verdict["status"] for name, verdict in verdicts.items()} == dict.fromkeys(verdicts, "repaired")
    assert {verdict["head"] for verdict in verdicts.values()} == {"vox-profile", "odyssey", "speechbrain"}
    assert verdicts["vox"]["trained_seconds"] == [3, 15]
    assert verdicts["odyssey"]["trained_seconds"] is None
    assert verdicts["speechbrain"]["head_parameters"] == {"pooling": "mean", "assumed attention heads": "1"}
    assert verdicts["speechbrain"]["labels"] == ["neu", "ang", "hap", "sad"]


def test_what_cannot_be_rebuilt_is_what_it_was_with_the_reason(bench: Bench, folder: Path) -> None:
    verdicts = verify(bench, folder, "lora", "narrow", "damaged")
    assert {verdict["status"] for verdict in verdicts.values()} == {"custom-interface"}
    assert "cannot be rebuilt, since its encoder has LoRA" in verdicts["lora"]["reason"]
    assert "since how many attention heads" in verdicts["narrow"]["reason"]
    assert "since wav2vec2.ckpt" in verdicts["damaged"]["reason"]


def test_without_repairs_the_reason_says_so(bench: Bench, folder: Path) -> None:
    verdicts = verify(bench, folder, "odyssey", "vox", options=("--no-repair-heads",))
    assert verdicts["odyssey"]["status"] == "custom-code"
    assert verdicts["vox"]["status"] == "custom-interface"
    assert all("--no-repair-heads was given" in verdict["reason"] for verdict in verdicts.values())


def test_a_model_of_a_native_layout_that_rates_stays_dimensional(bench: Bench, folder: Path) -> None:
    verdict = verify(bench, folder, "rating")["rating"]
    assert (verdict["status"], verdict["labels"]) == ("dimensional", ["arousal", "dominance", "valence"])


def test_a_rebuilt_model_answers_in_a_run_as_the_original_and_is_flagged_outside_its_lengths(
    folder: Path, tmp_path: Path
) -> None:
    long, short = np.random.default_rng(0).normal(0, 0.1, (2, 160_000)).astype(np.float32)
    (tmp_path / "clips").mkdir()
    for name, samples in {"long": long, "short": short[:24_000]}.items():
        soundfile.write(tmp_path / "clips" / f"{name}.wav", samples, 16_000, subtype="FLOAT")
    models = [argument for name in ("vox", "odyssey", "speechbrain") for argument in ("-m", folder / name)]
    ended = bench_here("run", *models, "--corpus", "folder:clips", "--latency-seconds", "0", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    rows = json.loads((tmp_path / "reports" / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    reasons = {row["candidate"]: row["flag_reasons"].get("outside-length", "") for row in rows}
    assert reasons["vox"].startswith("1 of 2 clips are shorter than 3 s or longer than 15 s")
    assert not reasons["odyssey"]
    assert not reasons["speechbrain"]
    assert all("repaired" in row["flags"] for row in rows)

    logits = {name: write(tmp_path / name) for name, write in WRITERS.items()}
    for clip in pq.ParquetFile(tmp_path / "reports" / "predictions.parquet").read().to_pylist():
        samples = long if "long" in clip["clip"] else short[:24_000]
        expected = logits[clip["candidate"]](samples)
        probabilities = np.exp(expected - expected.max())
        given = [part["probability"] for part in clip["probabilities"]]
        assert given == pytest.approx(probabilities / probabilities.sum(), abs=1e-5)
