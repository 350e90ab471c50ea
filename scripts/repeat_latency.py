"""How far latencies of the same models differ between runs on this machine, in milliseconds and as ratios.

    python -m scripts.repeat_latency --runs 7 --seconds 12 ../shared/models/*-ravdess

Each run loads the models anew and times them in turn with the reference workload, on noise of 3 s. Prints for each
model the spread between runs, and how many pairs of runs `bench compare` would call different.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.audio.waveform import Waveform
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.latency import SEGMENT_RATE, Stopwatch
from benchmark.evaluation.sessions import Implementation
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard_columns import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.compare import latency_change
from benchmark.scoring.leaderboard_rows import with_latency
from benchmark.settings import Settings

SEGMENT_S = 3.0


@dataclass(frozen=True)
class Stability:
    """How far one model's latency differs between runs.

    Attributes:
        ms_spread: Standard deviation of the logarithm of the median between runs; `ratio_spread` of the ratio.
        different: Pairs of runs that are called different, of `pairs` that have intervals.
    """

    ms_spread: float
    ratio_spread: float
    different: int
    pairs: int


def stability(measurements: Iterable[LatencyMeasurement]) -> Stability:
    """Compare the runs of one model, at least two."""
    rows = [with_latency(LeaderboardRow(candidate=own.candidate), own) for own in measurements]
    ms, ratios = (
        [np.log(value) for row in rows if (value := getattr(row, name))] for name in ("latency_p50_ms", "latency_ratio")
    )
    changes = [latency_change(old, new, same_reference=True) for old, new in combinations(rows, 2)]
    known = [change for change in changes if change is not None and change.low is not None]
    return Stability(
        float(np.std(ms, ddof=1)),
        float(np.std(ratios, ddof=1)),
        sum(change.is_beyond_chance for change in known),
        len(known),
    )


def measure(folders: Sequence[Path], *, runs: int, seconds: float, cache: Path) -> dict[str, list[LatencyMeasurement]]:
    """Time the checkpoints in some folders again and again, in new workers."""
    noise = np.random.default_rng(0).normal(0, 0.1, (8, round(SEGMENT_S * SEGMENT_RATE))).astype(np.float32)
    subjects = [_subject(folder) for folder in folders]
    stopwatch = Stopwatch(
        segments=[Waveform(samples, SEGMENT_RATE) for samples in noise],
        segment_s=SEGMENT_S,
        budget_s=seconds,
        settings=Settings(cache=cache),
        environment=Environment.here(),
    )
    engines = {subject.name: Implementation(Engine()) for subject in subjects}
    found: dict[str, list[LatencyMeasurement]] = {subject.name: [] for subject in subjects}
    for _ in range(runs):
        for own in stopwatch.measure(subjects, engines, device="cpu", progress=Silent()):
            found[own.candidate].append(own)
    return found


def _subject(folder: Path) -> Subject:
    verification = Verification(candidate=folder.name, id=str(folder), status=Status.USABLE, reason="It is timed.")
    return Subject(Candidate(id=str(folder), name=folder.name), verification, folder.absolute())


def main() -> None:
    """Measure, and print a line for each model."""
    parser = argparse.ArgumentParser(description="How far latencies differ between runs on this machine.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=12.0)
    options = parser.parse_args()
    with TemporaryDirectory() as cache:
        found = measure(options.folders, runs=options.runs, seconds=options.seconds, cache=Path(cache))
    for name, measurements in found.items():
        own = stability(measurements)
        print(
            f"{name}: spread between runs {own.ms_spread:.3f} of ms, {own.ratio_spread:.3f} of the ratio (logarithms); "
            f"{own.different} of {own.pairs} pairs called different"
        )


if __name__ == "__main__":
    main()
