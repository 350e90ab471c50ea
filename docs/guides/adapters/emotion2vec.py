# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["funasr==1.4.16", "modelscope==1.40.2", "torch==2.11.0", "torchaudio==2.11.0"]
# ///
"""emotion2vec+ as a candidate of bench (docs/guides/program.md); not run here, since its weights are on ModelScope."""

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from funasr import AutoModel
from modelscope.utils.file_utils import get_model_cache_root

MODEL = sys.argv[1] if len(sys.argv) > 1 else "iic/emotion2vec_plus_large"
RATE = 16_000

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # FunASR prints
# Without the network, from what the first start has left.
cached = Path(get_model_cache_root(), MODEL)
model = AutoModel(model=str(cached) if cached.is_dir() else MODEL, disable_update=True, disable_pbar=True)


def classify(samples: np.ndarray) -> dict[str, Any]:
    """Give labels and scores of one window."""
    (result,) = model.generate(samples, granularity="utterance", extract_embedding=False, disable_pbar=True)
    return dict(result)


labels = [label or "<unk>" for label in classify(np.zeros(RATE, np.float32))["labels"]]
print(json.dumps({"protocol": 1, "model": MODEL, "labels": labels, "sampling_rate": RATE}), file=answers)
while header := sys.stdin.buffer.read(8):
    number, count = struct.unpack("<II", header)
    samples = np.frombuffer(sys.stdin.buffer.read(4 * count), np.dtype("<f4"))
    print(json.dumps({"id": number, "scores": classify(samples.copy())["scores"]}), file=answers)
