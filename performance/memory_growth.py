"""Does memory grow with the number of clips? The same tiny model answers 1,000 and 20,000 short clips.

    python -m performance.memory_growth [--few 1000] [--many 20000]

Each run is a process of its own, with all that a run does: hear the clips, ask the model, store the answers, score
them, write the reports. Clips are 0.1 to 0.5 s of noise in one folder, and hardly two of them of one length: what
libraries keep for a length must not grow either.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmark.demo.files import checkpoints_path
from scripts.generated_sections import write_section

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
GROWTH_ALLOWED = 0.15
_RATE = 16_000
_SHORTEST_S, _LONGEST_S = 0.1, 0.5
_LABELS = ("anger", "happiness", "neutral", "sadness")
# The worker is gone when the run is over, so that its largest memory is noted when it is closed.
_RUN = """
import json, sys
from pathlib import Path
from benchmark.workers.worker import Worker
from performance.memory import peak_mb
largest = {"worker_mb": 0.0}
close = Worker.close
def noting(self):
    if self.pid is not None:
        largest["worker_mb"] = max(largest["worker_mb"], peak_mb(self.pid))
    close(self)
Worker.close = noting
import benchmark
outcome = benchmark.run(models=[sys.argv[1]], corpora=["folder:" + sys.argv[2]], latency_seconds=0, find_speech=False,
                        output=sys.argv[3])
assert outcome.exit_code == 0, outcome.problems
print(json.dumps({**largest, "parent_mb": peak_mb(), "clips": outcome.leaderboard.rows[0].clips}))
"""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The largest memory of a run.

    Attributes:
        clips: How many it answered.
        parent_mb: Of the process that the user started, in MB (10⁶ bytes).
        worker_mb: Of the worker that held the model.
    """

    clips: int
    parent_mb: float
    worker_mb: float

    @property
    def both_mb(self) -> float:
        """Of both together: what a run takes of the machine."""
        return self.parent_mb + self.worker_mb


def run_memory(clips: int, folder: Path) -> Memory:
    """Make clips and run bench on them in a process of its own.

    Args:
        clips: How many.
        folder: Where everything goes.
    """
    corpus = write_clips(clips, folder / "clips")
    command = [sys.executable, "-c", _RUN, str(checkpoints_path() / "wav2vec2-english"), str(corpus)]
    ended = subprocess.run(
        [*command, str(folder / "reports")],
        check=True,
        cwd=folder,
        env={**os.environ, "BENCH_CACHE": str(folder / "cache"), "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )
    return Memory(**json.loads(ended.stdout.splitlines()[-1]))


def write_clips(count: int, folder: Path) -> Path:
    """Write clips that all differ, sorted into folders by label.

    Args:
        count: How many.
        folder: Where to; created.
    """
    random = np.random.default_rng(0)
    for label in _LABELS:
        (folder / label).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        size = round(random.uniform(_SHORTEST_S, _LONGEST_S) * _RATE)
        samples = random.normal(0, 0.1, size).astype(np.float32)
        path = folder / _LABELS[number % len(_LABELS)] / f"{number:06d}.wav"
        soundfile.write(path, samples, _RATE, subtype="PCM_16")
    return folder


def table(few: Memory, many: Memory) -> str:
    """Write both runs beside each other."""
    rows = [
        (f"{each.clips:,}", *(f"{value:,.0f}" for value in (each.parent_mb, each.worker_mb, each.both_mb)))
        for each in (few, many)
    ]
    parts = ("parent_mb", "worker_mb", "both_mb")
    rows.append(("growth", *(f"{growth(getattr(few, part), getattr(many, part)):+.1%}" for part in parts)))
    per_clip = (many.parent_mb - few.parent_mb) * 1e3 / max(1, many.clips - few.clips)
    lines = ["| clips | parent MB | worker MB | together MB |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", f"The parent keeps {per_clip:.1f} kB of each clip: names, hashes, labels, answers."])


def growth(before: float, after: float) -> float:
    """How much more the second is, as a share of the first.

    Examples:
        >>> growth(200.0, 210.0)
        0.05
    """
    return after / before - 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page; 1 where memory grew by more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--no-page", action="store_true", help="print only")
    wanted = parser.parse_args(arguments)
    runs = []
    for clips in (wanted.few, wanted.many):
        with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
            runs.append(run_memory(clips, Path(folder)))
            print(runs[-1], flush=True)
    few, many = runs
    text = table(few, many)
    print(text)
    if not wanted.no_page:
        write_section(PAGE, "growth", text)
    return 1 if growth(few.both_mb, many.both_mb) > GROWTH_ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())
