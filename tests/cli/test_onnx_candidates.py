"""Candidates that are an ONNX file, by the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmark.demo.files import checkpoints_path
from benchmark.hub.client import Hub
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.status import Status
from benchmark.settings import Settings
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates
from tests.support.command_line import bench_here, failure
from tests.support.hub_server import HubServer
from tests.support.onnx_models import LABELS, write_onnx

SAID = f"labels: [{', '.join(LABELS)}], sampling_rate: 16000, trained_on: []"


def registry(folder: Path, *candidates: str) -> Path:
    path = folder / "mine.yaml"
    lines = "".join(f"  - {{{candidate}}}\n" for candidate in candidates)
    path.write_text(f"version: 1\ncandidates:\n{lines}", encoding="utf-8")
    return path


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "reports" / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    return {row["candidate"]: row for row in rows}


def test_an_onnx_file_has_a_row_beside_a_checkpoint(tmp_path: Path) -> None:
    write_onnx(tmp_path / "export" / "model.onnx")
    registry(tmp_path, f"id: ./export, onnx: model.onnx, {SAID}", f"id: '{checkpoints_path() / 'wav2vec2-english'}'")
    command = ("run", "--candidates", "mine.yaml", "--corpus", "demo:", "--limit", "30", "--min-emotions", "3")
    ended = bench_here(*command, "--latency-seconds", "0.1", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    row = rows_of(tmp_path)["export"]
    assert (row["head"], row["backend"], row["device"], row["clips"]) == ("onnx", "onnxruntime", "cpu", 30)
    assert row["latency_p50_ms"] > 0
    assert "export (repaired)" not in (tmp_path / "reports" / "leaderboard.md").read_text(encoding="utf-8")
    soundfile.write(tmp_path / "call.wav", np.random.default_rng(0).normal(0, 0.1, 40_000), 16_000)
    ended = bench_here("predict", "--candidates", "mine.yaml", "export", "call.wav", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_what_is_missing_is_a_status_with_a_reason(tmp_path: Path) -> None:
    for name in ("other", "nameless", "rateless", "two"):
        write_onnx(tmp_path / name / "model.onnx")
    registry(
        tmp_path,
        f"id: ./other, onnx: onnx/model.onnx, {SAID}",
        "id: ./nameless, onnx: model.onnx, sampling_rate: 16000",
        f"id: ./rateless, onnx: model.onnx, labels: [{', '.join(LABELS)}]",
        "id: ./two, onnx: model.onnx, labels: [angry, sad], sampling_rate: 16000",
    )
    bench_here("verify", "--candidates", "mine.yaml", folder=tmp_path)
    report = json.loads((tmp_path / "reports" / "verification.json").read_text(encoding="utf-8"))
    found = {own["candidate"]: (own["status"], own["reason"]) for own in report["candidates"]}
    assert found["other"][0] == found["rateless"][0] == found["two"][0] == "load-failed"
    assert "there is no onnx/model.onnx in it; its ONNX files are model.onnx" in found["other"][1]
    assert found["nameless"][0] == "invalid-config"
    assert "labels: […]" in found["nameless"][1]
    assert "sampling_rate: 16000" in found["rateless"][1]
    assert "3 scores, and 2 labels are named" in found["two"][1]


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ("id: ./export, onnx: ../model.onnx", "no ONNX file below the candidate's folder"),
        ("id: ./export, onnx: model.pt", "no ONNX file below the candidate's folder"),
        ("id: ./export, labels: [angry, sad]", "describe an ONNX file"),
        ("id: ./export, onnx: model.onnx, labels: [a, a], sampling_rate: 16000", "two outputs have one name"),
    ],
)
def test_a_registry_that_contradicts_itself_is_refused(tmp_path: Path, candidate: str, reason: str) -> None:
    registry(tmp_path, candidate)
    assert reason in failure(bench_here("verify", "--candidates", "mine.yaml", folder=tmp_path), 2)


def test_a_repository_of_the_hub_is_fetched_with_its_weights(tmp_path: Path) -> None:
    write_onnx(tmp_path / "repository" / "onnx" / "model.onnx", external="model.onnx_data")
    (tmp_path / "repository" / "pytorch_model.bin").write_bytes(b"\0" * 1_000_000)
    fields = {"id": "org/onnx-only", "onnx": "onnx/model.onnx", "labels": list(LABELS), "sampling_rate": 16_000}
    candidate = Candidate.model_validate(fields)
    with HubServer() as server:
        server.add("org/onnx-only", tmp_path / "repository")
        hub = Hub(timeout_s=10.0, endpoint=server.url, cache=tmp_path / "hf")
        (verdict,) = verify_candidates(
            Registry(title="test", candidates=(candidate,)), hub=hub,
            settings=Settings(cache=tmp_path / "bench"), progress=Silent(), options=VerifyOptions(),
        )  # fmt: skip
        assert verdict.status is Status.USABLE, verdict.reason
        assert server.bytes_sent["org/onnx-only"] < 500_000  # the checkpoint beside it is not fetched
