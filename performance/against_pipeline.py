"""Reference inference beside what a user would write instead: a loop over `pipeline("audio-classification")`.

    OMP_WAIT_POLICY=PASSIVE python -m performance.against_pipeline [MODEL_FOLDER] [--rounds 15] [--seconds 3]

Both answer the same segments of synthetic speech in one process with the same threads, in turn, block by block, so that
a slow minute of a shared machine hits both. What counts is the ratio; the milliseconds belong to this machine and hour.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import pipeline

from benchmark.audio.waveform import Waveform
from benchmark.corpora.audio_reader import AudioReader
from benchmark.demo.files import checkpoints_path, demo_clips
from benchmark.evaluation.latency import cut_segments
from benchmark.models.checkpoint import load_checkpoint
from benchmark.settings import Settings

START_UPS = 7
Samples = NDArray[np.float32]
Answer = Callable[[Samples], NDArray[np.float64]]


class _Spoken:
    """A clip of the demo, as segments are cut from it."""

    def __init__(self, waveform: Waveform) -> None:
        self._waveform = waveform

    def waveform(self) -> Waveform:
        return self._waveform


def block_ms(answer: Answer, segments: Sequence[Samples]) -> float:
    """Time one block of calls; milliseconds per call."""
    begin = time.perf_counter()
    for segment in segments:
        answer(segment)
    return (time.perf_counter() - begin) * 1000 / len(segments)


def compare(folder: Path, *, rounds: int, seconds: float) -> None:
    """Print both medians, their ratio round by round, and how far the answers are apart."""
    checkpoint = load_checkpoint(folder)
    loop = pipeline("audio-classification", model=checkpoint.model, feature_extractor=checkpoint.extractor)
    labels = checkpoint.report.labels
    rate = checkpoint.report.sampling_rate or 0

    def peer(samples: Samples) -> NDArray[np.float64]:
        scores = {entry["label"]: entry["score"] for entry in loop({"raw": samples, "sampling_rate": rate}, top_k=None)}
        return np.array([scores[label] for label in labels])

    spoken = [_Spoken(clip.waveform()) for clip in demo_clips()]
    with AudioReader(Settings()) as reader:
        segments = [segment.samples for segment in cut_segments(spoken, reader, seconds=seconds)]
    apart = max(float(np.abs(peer(segment) - checkpoint.probabilities(segment)).max()) for segment in segments)
    pairs = [(block_ms(peer, segments), block_ms(checkpoint.probabilities, segments)) for _ in range(rounds)]
    theirs, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratios = sorted(peer_ms / own_ms for peer_ms, own_ms in pairs)
    print(f"{folder.name}, {len(segments)} segments of {seconds:g} s, {rounds} rounds")
    print(f"  pipeline {theirs:.2f} ms, reference {ours:.2f} ms a call (medians)")
    print(f"  pipeline / reference: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")
    print(f"  largest difference of a probability: {apart:.1e}")


def start_up() -> None:
    """Print how long `bench --help` takes beside an interpreter that does nothing."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "bench --help": [sys.executable, "-c", "from benchmark.cli.main import main; main()", "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(START_UPS):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - begin)
    for name, seconds in times.items():
        print(f"  {name}: {statistics.median(seconds):.3f} s, {min(seconds):.3f} to {max(seconds):.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=checkpoints_path() / "wav2vec2-english")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    compare(arguments.folder, rounds=arguments.rounds, seconds=arguments.seconds)
    print("start-up")
    start_up()


if __name__ == "__main__":
    main()
