"""The adapters of docs/guides/adapters, with a stand-in for FunASR: its models are not here."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ADAPTERS = Path(__file__).parents[2] / "docs" / "guides" / "adapters"
STAND_IN = """
class AutoModel:
    def __init__(self, model, **options):
        print("loading", model)

    def generate(self, input, **options):
        print("decoding")
        loud = float(abs(input).max()) > 0.5
        token = "ANGRY" if loud else "EMO_UNKNOWN"
        text = f"<|en|><|{token}|><|Speech|><|woitn|>hello"
        return [{"labels": ["生气/angry", "<unk>"], "scores": [0.9, 0.1] if loud else [0.2, 0.8], "text": text}]
"""


@pytest.mark.parametrize(
    ("adapter", "announced", "expected"),
    [
        ("emotion2vec.py", ["生气/angry", "<unk>"], [{"scores": [0.9, 0.1]}, {"scores": [0.2, 0.8]}]),
        ("sensevoice.py", None, [{"text": "ANGRY"}, {"error": "the model names no emotion"}]),
    ],
)
def test_an_adapter_keeps_to_the_protocol(
    tmp_path: Path, adapter: str, announced: list[str] | None, expected: list[dict[str, object]]
) -> None:
    (tmp_path / "funasr.py").write_text(STAND_IN, encoding="utf-8")
    utils = tmp_path / "modelscope" / "utils"
    utils.mkdir(parents=True)
    (utils / "file_utils.py").write_text(
        f"def get_model_cache_root():\n    return {str(tmp_path)!r}\n", encoding="utf-8"
    )
    windows = [np.ones(160, "<f4"), np.zeros(80, "<f4")]
    frames = b"".join(struct.pack("<II", n, window.size) + window.tobytes() for n, window in enumerate(windows, 1))
    ended = subprocess.run(
        [sys.executable, str(ADAPTERS / adapter)],
        input=frames,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    hello, *answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (hello["protocol"], hello["sampling_rate"]) == (1, 16_000)
    assert announced is None or hello["labels"] == announced
    assert answers == [{"id": number, **answer} for number, answer in enumerate(expected, 1)]
    assert b"decoding" in ended.stderr
