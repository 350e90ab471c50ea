"""One engine in a process of its own, told over its standard input which clips to answer; started by `rounds.py`.

Nothing but answers goes to standard output, one JSON object per line.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from benchmark.evaluation.engines import EngineChoice
from performance.bare import BareOpenVino, BareTorch
from performance.engines import Engine, NaiveLoop, PipelineLoop
from performance.ours import Ours
from performance.peak import MatrixProducts
from performance.remote import DEFAULT_THREADS

ENGINES: dict[str, Callable[[Path], Engine]] = {
    "naive": NaiveLoop,
    "pipeline-1": partial(PipelineLoop, batch_size=1),
    "pipeline-default": partial(PipelineLoop, batch_size=1),
    "pipeline-8": partial(PipelineLoop, batch_size=8),
    "reference": partial(Ours, choice=EngineChoice(backend="torch")),
    "auto": partial(Ours, choice=EngineChoice(backend="auto")),
    "fast": partial(Ours, choice=EngineChoice(backend="auto", fast=True)),
    "bare-torch": BareTorch,
    "bare-openvino": partial(BareOpenVino, precision="f32"),
    "bare-bfloat16": partial(BareOpenVino, precision="bf16"),
    "peak": MatrixProducts,
}
"""What can be run, by name."""


def main() -> None:
    """Make the engine that is named and answer until standard input ends."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not be taken for answers
    begin = time.perf_counter()
    if name not in DEFAULT_THREADS:
        _use_threads(threads)
    engine = ENGINES[name](folder)
    _say(answers, {"ready_s": time.perf_counter() - begin})
    for line in sys.stdin:
        _say(answers, _answer(engine, json.loads(line)))


def _answer(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    clips = [Path(clip) for clip in request["clips"]]
    engine.prepared(clips)
    begin = time.perf_counter()
    probabilities = engine.answer(clips)
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "probabilities": [[float(value) for value in row] for row in probabilities],
        "memory_mb": engine.memory_mb(),
        "details": engine.details(),
    }


def _use_threads(threads: int) -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _say(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
