"""How long a user waits for the first answer of a model, and for all of them.

    python -m performance.first_answer                        a wav2vec2-base with random weights, 140 recordings
    python -m performance.first_answer --options fast=True    any keyword of `benchmark.run`

Each run is a fresh process with an empty cache, timed from its start: imports, verification, decoding, conversion,
comparison. Latency is not measured, nor speech looked for.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from performance.checkpoints import CHECKPOINTS, write_checkpoint
from performance.clips import make_clips

# What the fresh process does. Its last line is one of JSON.
RUN = """
import json, sys, time
from contextlib import nullcontext
import psutil
begun = psutil.Process().create_time()
import benchmark
from benchmark.progress import Silent
marks = {}
class Listening:
    def advance(self, amount=1):
        if amount:
            marks.setdefault("first", time.time() - begun)
    def describe(self, text):
        pass
class Watched(Silent):
    def stage(self, description, *, total, unit=""):
        if description == "Listening":
            return nullcontext(Listening())
        return super().stage(description, total=total, unit=unit)
folder, clips, output, options = sys.argv[1:]
outcome = benchmark.run(
    models=[folder], corpora=["folder:" + clips], output=output, latency_seconds=0, find_speech=False,
    progress=Watched(), **json.loads(options),
)
marks["total"] = time.time() - begun
record = outcome.leaderboard.inference[0]
marks |= {"engine": f"{record.backend} {record.dtype}", "compared": record.checked_clips, "rerun": record.redone_clips}
print(json.dumps(marks))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=CHECKPOINTS, default="wav2vec2-base")
    parser.add_argument("--clips", type=int, default=140)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--options", nargs="*", default=[], metavar="NAME=VALUE")
    wanted = parser.parse_args()
    named = dict(option.split("=", 1) for option in wanted.options)
    options = {name: {"True": True, "False": False}.get(value, value) for name, value in named.items()}
    with tempfile.TemporaryDirectory(prefix="bench-first-") as temporary:
        work = Path(temporary)
        clips = make_clips(wanted.clips, work / "clips")
        checkpoint = write_checkpoint(wanted.model, work / "model", clips.paths[:32])
        for number in range(wanted.runs):
            own = work / f"run-{number}"
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    RUN,
                    str(checkpoint),
                    str(work / "clips"),
                    str(own / "out"),
                    json.dumps(options),
                ],
                env=_environment(own / "cache"),
                capture_output=True,
                text=True,
                check=False,
            )
            print(done.stdout.splitlines()[-1] if done.returncode == 0 else done.stderr)


def _environment(cache: Path) -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": root, "OMP_WAIT_POLICY": "PASSIVE"}


if __name__ == "__main__":
    main()
