"""Labels and paths in any script survive into every output."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile

from benchmark.demo.files import checkpoints_path
from tests.support.command_line import bench_here, run_bench

LABELS = {"분노": "anger", "Радость": "happiness", "حزن": "sadness", "😱": "fear"}
CLIPS = {"분노": "전화 1.wav", "Радость": "звонок «1».wav", "حزن": "مكالمة.wav", "😱": "📞🙂.wav"}


def write_project(folder: Path) -> None:
    """Write a folder of recordings, labelled in four scripts, and a registry that says what the labels mean."""
    random = np.random.default_rng(5)
    for label, name in CLIPS.items():
        path = folder / "녹음 записи" / label / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, random.normal(0, 0.1, 16_000), 16_000)
    registry = {
        "version": 1,
        "candidates": [{"id": str(checkpoints_path() / "hubert-german"), "name": "модель-모델-😀"}],
        "corpora": {"세계": {"source": "folder:녹음 записи", "labels": LABELS}},
    }
    (folder / "candidates.yaml").write_text(json.dumps(registry, ensure_ascii=False), encoding="utf-8")


def test_every_script_survives_into_every_output(tmp_path: Path) -> None:
    write_project(tmp_path)
    ran = run_bench("run", "--backend", "torch", "--latency-seconds", 0, folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    described = bench_here("corpus", "세계", folder=tmp_path)
    assert described.returncode == 0, described.stderr
    reports = tmp_path / "reports"

    rows = pq.read_table(reports / "predictions.parquet").to_pylist()
    assert {(row["label"], row["clip"]) for row in rows} == {
        (label, f"{label}/{name}") for label, name in CLIPS.items()
    }
    assert {row["emotion"] for row in rows} == set(LABELS.values())
    summary = json.loads((reports / "leaderboard.json").read_text(encoding="utf-8"))["corpora"][0]
    assert summary["label_emotions"] == LABELS

    (page,) = reports.glob("corpus-*.md")
    for text in ((reports / "leaderboard.md").read_text(encoding="utf-8"), page.read_text(encoding="utf-8")):
        assert "세계" in text
        assert all(label in text for label in LABELS)
    for text in ((reports / "leaderboard.csv").read_text(encoding="utf-8"), ran.stdout):
        assert "модель-모델-😀" in text
        assert "세계" in text
    assert all(label in described.stdout for label in LABELS)
