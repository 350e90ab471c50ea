"""Zero-shot candidates, by the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from sklearn.metrics import recall_score

from benchmark.demo.files import checkpoints_path
from tests.support.clap_models import PROMPTS, as_yaml, write_clap
from tests.support.command_line import bench_here, failure

OTHERS = {emotion: [f"{text} on the phone" for text in texts] for emotion, texts in PROMPTS.items()}


def registry(folder: Path, *candidates: str) -> None:
    lines = "".join(f"  - {{{candidate}}}\n" for candidate in candidates)
    (folder / "mine.yaml").write_text(f"version: 1\ncandidates:\n{lines}", encoding="utf-8")


def verdicts(folder: Path) -> dict[str, dict[str, Any]]:
    bench_here("verify", "--candidates", "mine.yaml", folder=folder)
    report = json.loads((folder / "reports" / "verification.json").read_text(encoding="utf-8"))
    return {own["candidate"]: own for own in report["candidates"]}


def test_a_zero_shot_model_has_a_row_and_says_how_much_depends_on_its_prompts(tmp_path: Path) -> None:
    write_clap(tmp_path / "clap")
    registry(
        tmp_path,
        f"id: ./clap, trained_on: [], prompts: {as_yaml()}",
        f"id: '{checkpoints_path() / 'wav2vec2-english'}'",
    )
    command = ("run", "--candidates", "mine.yaml", "--corpus", "demo:", "--limit", "15", "--min-emotions", "3")
    ended = bench_here(*command, "--latency-seconds", "0.1", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    board = json.loads((tmp_path / "reports" / "leaderboard.json").read_text(encoding="utf-8"))
    rows = {row["candidate"]: row for row in board["rows"]}
    row = rows["clap"]
    assert (row["head"], row["backend"], row["emotions"], row["clips"]) == ("zero-shot", "torch", 3, 15)
    assert len(board["pairs"]) == 1
    assert rows["wav2vec2-english"]["prompt_spread"] is None
    assert "clap (repaired)" not in (tmp_path / "reports" / "leaderboard.md").read_text(encoding="utf-8")

    table = pq.ParquetFile(tmp_path / "reports" / "predictions.parquet").read().to_pylist()
    own = [clip for clip in table if clip["candidate"] == "clap"]
    truth = [clip["emotion"] for clip in own]
    by_prompt = [{part["label"]: part["probability"] for part in clip["probabilities"]} for clip in own]
    given = [
        [max(PROMPTS, key=lambda emotion: scores[PROMPTS[emotion][number]]) for scores in by_prompt]
        for number in range(3)
    ]
    recalls = [recall_score(truth, answers, average="macro", labels=sorted(set(truth))) for answers in given]
    assert row["prompt_spread"] == pytest.approx(np.std(recalls, ddof=1), abs=1e-9)

    soundfile.write(tmp_path / "call.wav", np.random.default_rng(0).normal(0, 0.1, 400_000), 16_000)
    ended = bench_here("predict", "--candidates", "mine.yaml", "clap", "call.wav", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_what_a_model_lacks_is_a_status_with_a_reason(tmp_path: Path) -> None:
    for name in ("speechless", "deaf", "weightless", "promptless", "good"):
        write_clap(tmp_path / name)
    for file in ("vocab.json", "merges.txt"):
        (tmp_path / "speechless" / file).unlink()
    (tmp_path / "deaf" / "preprocessor_config.json").unlink()
    (tmp_path / "weightless" / "model.safetensors").unlink()
    shutil.copytree(checkpoints_path() / "wav2vec2-english", tmp_path / "classifier")
    prompted = ("speechless", "deaf", "weightless", "classifier", "good")
    others = f"id: ./good, name: other-prompts, prompts: {as_yaml(OTHERS)}"
    registry(tmp_path, *(f"id: ./{name}, prompts: {as_yaml()}" for name in prompted), others, "id: ./promptless")
    found = verdicts(tmp_path)
    statuses = {name: own["status"] for name, own in found.items()}
    assert statuses == {
        **dict.fromkeys(("speechless", "deaf", "weightless"), "load-failed"),
        **dict.fromkeys(("classifier", "promptless"), "unsupported-architecture"),
        **dict.fromkeys(("good", "other-prompts"), "usable"),
    }
    assert "no tokenizer in it: tokenizer.json, or vocab.json with merges.txt" in found["speechless"]["reason"]
    assert "no preprocessor_config.json" in found["deaf"]["reason"]
    assert "Prompts are for CLAP checkpoints" in found["classifier"]["reason"]
    assert "with `prompts` in a registry it is a zero-shot candidate" in found["promptless"]["reason"]
    assert "compares audio with 3 prompts for each of 3 classes" in found["good"]["reason"]


THREE = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("prompts", "more", "reason"),
    [
        ({"anger": THREE}, "", "fewer than two emotions"),
        ({"anger": ["a", "b"], "fear": THREE}, "", "'anger' has 2 prompts, and at least 3"),
        ({"anger": [*THREE, "d"], "fear": ["e", "f", "g"]}, "", "as many prompts as the others"),
        ({"anger": THREE, "fear": ["e", "f", "c "]}, "", "two prompts are the same"),
        ({"anger": THREE, "angry": ["e", "f", "g"]}, "", "names anger twice"),
        ({"anger": THREE, "fear": ["e", "", "g"]}, "", "it is empty"),
        ({"anger": THREE, "purple": ["e", "f", "g"]}, "", "purple"),
        ({"anger": "a", "fear": "b"}, "", "leads from emotions to lists of sentences"),
        (PROMPTS, ", onnx: model.onnx", "'onnx' describes a classifier"),
        (PROMPTS, ", labels: {angry: anger}", "'labels' describes a classifier"),
        (PROMPTS, ", predictions: answers.csv", "'prompts' describes a model, and this candidate is a table"),
    ],
)
def test_prompts_that_cannot_be_compared_are_refused(
    tmp_path: Path, prompts: dict[str, Any], more: str, reason: str
) -> None:
    write_clap(tmp_path / "clap")
    registry(tmp_path, f"id: ./clap, prompts: {json.dumps(dict(prompts))}{more}")
    assert reason in failure(bench_here("verify", "--candidates", "mine.yaml", folder=tmp_path), 2)
