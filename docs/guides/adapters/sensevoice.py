# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["funasr==1.4.16", "modelscope==1.40.2", "torch==2.11.0", "torchaudio==2.11.0"]
# ///
"""SenseVoice as a candidate of bench (docs/guides/program.md); not run here, since its weights are on ModelScope."""

import json
import os
import re
import struct
import sys
from pathlib import Path

import numpy as np
from funasr import AutoModel
from modelscope.utils.file_utils import get_model_cache_root

MODEL = sys.argv[1] if len(sys.argv) > 1 else "iic/SenseVoiceSmall"
LABELS = ["HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED"]

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # FunASR prints
# Without the network, from what the first start has left.
cached = Path(get_model_cache_root(), MODEL)
model = AutoModel(model=str(cached) if cached.is_dir() else MODEL, disable_update=True, disable_pbar=True)
hello = {"protocol": 1, "model": MODEL, "labels": LABELS, "sampling_rate": 16_000, "answers": "text"}
print(json.dumps(hello), file=answers)
while header := sys.stdin.buffer.read(8):
    number, count = struct.unpack("<II", header)
    samples = np.frombuffer(sys.stdin.buffer.read(4 * count), np.dtype("<f4")).copy()
    (result,) = model.generate(input=samples, cache={}, language="auto", use_itn=False, disable_pbar=True)
    # The transcript begins with tokens, such as <|en|><|HAPPY|><|Speech|><|woitn|>; EMO_UNKNOWN is no answer.
    emotions = [token for token in re.findall(r"<\|(\w+)\|>", result["text"]) if token in LABELS]
    answer = {"text": emotions[0]} if emotions else {"error": "the model names no emotion"}
    print(json.dumps({"id": number, **answer}), file=answers)
