"""A program for candidates with a `command`, which keeps to the protocol or breaks it in one way.

python3 foreign_program.py MODE [MARKER]
"""

import array
import json
import os
import socket
import struct
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

MODE = sys.argv[1] if len(sys.argv) > 1 else ""
MARKER = sys.argv[2] if len(sys.argv) > 2 else ""
LABELS = ["angry", "sad", "neutral"]
NUMBERS = [0.5, 0.25, 0.25]
ANSWERS: dict[str, dict[str, Any]] = {
    "object": {"scores": {"sad": 0.25, "angry": 0.75}},
    "list": {"scores": NUMBERS},
    "whole-text": {"text": " Anger. "},
    "sentence": {"text": "I think the speaker sounds sad (sadness)."},
    "several": {"text": "either angry or sad"},
    "nothing": {"text": "I cannot tell."},
    "logits": {"scores": [2.0, -1.0, 0.0]},
    "error": {"error": "too loud"},
    "unknown-label": {"scores": {"hungry": 1.0}},
    "too-few": {"scores": [1.0]},
    "too-much": {"scores": [0.9, 0.9, 0.9]},
    "negative": {"scores": [-0.1, 0.5, 0.5]},
    "words": {"scores": ["1", "0", "0"]},
    "not-finite": {"scores": [float("nan"), 0.5, 0.5]},
    "zeros": {"scores": [0, 0, 0]},
    "no-scores": {},
}
TEXTS = {"whole-text", "sentence", "several", "nothing"}


def write(line: str) -> None:
    os.write(1, (line + "\n").encode())


def announce() -> None:
    kind = "text" if MODE in TEXTS else "logits" if MODE == "logits" else "probabilities"
    content = {"protocol": 1, "model": "stand-in", "labels": LABELS, "sampling_rate": 8000, "answers": kind}
    if MODE == "changing":
        content["model"] = f"stand-in {time.time()}"
    write(json.dumps(content))


def loudness(samples: "array.array[float]") -> dict[str, object]:
    level = (sum(sample * sample for sample in samples) / max(len(samples), 1)) ** 0.5
    rate = sum(left * right < 0 for left, right in pairwise(samples)) / max(len(samples), 1)
    angry, sad = level / (level + 0.1) * 0.5, rate * 0.5
    return {"scores": {"angry": angry, "sad": sad, "neutral": 1 - angry - sad}}


def main() -> None:  # noqa: PLR0912, PLR0915 - a branch per fault
    if MODE == "silent":
        time.sleep(600)
    elif MODE == "ends":
        sys.exit(3)
    elif MODE == "no-json":
        write("{hello")
    elif MODE == "no-labels":
        write('{"protocol": 1, "model": "x", "labels": []}')
    elif MODE == "floods":
        while True:
            os.write(1, b"x" * 65536)
    elif MODE == "prints":
        os.write(1, b"Loading model ...\n\xff\xfe\x1b[2J\n")
    elif MODE == "children":
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(600)  # {MARKER}"], start_new_session=True)
        subprocess.run(["sh", "-c", f"(setsid sleep 600.{MARKER} >/dev/null 2>&1 &)"], check=False)

    announce()
    asked = 0
    while header := sys.stdin.buffer.read(8):
        number, count = struct.unpack("<II", header)
        samples = array.array("f", sys.stdin.buffer.read(4 * count))
        asked += 1
        if MODE == "counts":
            with Path("calls.txt").open("a", encoding="utf-8") as file:
                file.write(f"{count}\n")
        first = samples[0] if samples else 0.0
        answer: dict[str, Any] = {**(ANSWERS[MODE] if MODE in ANSWERS else loudness(samples))}
        if MODE == "dies" or Path("die-now").exists() or (MODE == "dies-at-one" and first == 1.0):
            os.kill(os.getpid(), 11)
        elif MODE == "hangs" and first == 1.0:
            time.sleep(600)
        elif MODE == "out-of-order" and first == 1.0:
            number += 1
        elif MODE == "rubbish" and first == 1.0:
            write("{no json at all")
            continue
        elif MODE == "long" and first == 1.0:
            os.write(1, b"{" + b"x" * 3_000_000)
        elif MODE == "prints":
            os.write(1, b"decoding ...\n")
            sys.stderr.write("a warning\n")
        elif MODE == "connects":
            try:
                socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
                answer = {"scores": [1.0, 0.0, 0.0]}
            except OSError:
                answer = {"scores": [0.0, 1.0, 0.0]}
        elif MODE == "random":
            answer = {"scores": [time.time() % 1 / 2, 0.25, 0.25]}
        elif MODE == "constant":
            answer = {"scores": NUMBERS}
        write(json.dumps({"id": number, **answer}))


if __name__ == "__main__":
    main()
