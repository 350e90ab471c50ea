"""Bench beside what a user would write instead, in one interleaved run; writes the figures into `docs/performance.md`.

    python -m performance.bench [--quick] [--minutes 34] [--models wav2vec2-base ...] [--render-only]

Each engine is a process of its own; all answer the same clips in turn, round by round, with the same threads. What was
measured is kept in `build/performance.json` after every step: a run that is stopped can still be rendered.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmark.demo.files import checkpoints_path
from benchmark.evaluation.machine_load import LoadMeter
from benchmark.results.environment import available_cores
from performance.checkpoints import CHECKPOINTS, write_checkpoint
from performance.clips import ClipSet, make_clips
from performance.decoding_cost import decoding_costs
from performance.figures import Figures, ModelFigures
from performance.flops import gflop_per_second_of_audio
from performance.machine import describe_machine
from performance.remote import EngineError, RemoteEngine
from performance.report import render
from performance.rounds import Plan, measure
from performance.start_up import start_up_times, timed_run
from scripts.generated_sections import write_section

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
KEPT = ROOT / "build" / "performance.json"
TINY = "tiny"
_TINY_CHECKPOINT = "wav2vec2-english"
DEFAULT_MODELS = ("wav2vec2-base", "wavlm-base", "whisper-base", TINY)
QUICK_MODELS = ("wav2vec2-base", TINY)
_CLIPS = 64
_QUICK_CLIPS = 16
_CLIPS_FOR_HEAD = 16
_ROUNDS = 3
_TURN_LIMIT_S = 180.0
_TAIL_MINUTES = 1.2


class _Run:
    """One measurement of everything.

    Args:
        arguments: What was asked for.
        work: A folder for checkpoints, clips and caches.
    """

    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self._quick = bool(arguments.quick)
        self._models = arguments.models or (QUICK_MODELS if self._quick else DEFAULT_MODELS)
        self._work = work
        self._begin = time.monotonic()
        self._end = self._begin + 60 * (arguments.minutes or (2.8 if self._quick else 34.0))
        self._meter = LoadMeter()
        self.figures = Figures(date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", machine=describe_machine())

    def run(self) -> None:
        """Measure, from what is quick to what takes minutes."""
        made = make_clips(_CLIPS, self._work / "clips")
        clips = ClipSet(made.paths[:_QUICK_CLIPS], made.seconds[:_QUICK_CLIPS], made.origin) if self._quick else made
        shortest, longest = min(clips.seconds), max(clips.seconds)
        self.figures.clips = f"{len(clips.paths)} {clips.origin}, {shortest:.1f} to {longest:.1f} s"
        self.figures.audio_s = sum(clips.seconds)
        self._say(f"{self.figures.clips}; {self.figures.audio_s:.0f} s of audio")
        self._quick_ones(clips)
        for left, name in zip(range(len(self._models), 0, -1), self._models, strict=True):
            try:
                self._measure_model(name, clips, left)
            except Exception as error:  # what goes wrong with one checkpoint must not cost the figures of the others
                self.figures.notes.append(f"{name}: {type(error).__name__}: {error}")
                self._say(self.figures.notes[-1])
        self._repeat(clips)
        self.figures.others = self._meter.read().others
        self.save()

    def save(self) -> None:
        """Keep the figures; and note what our engines have used, before they end."""
        self._meter.follow()
        self.figures.save(KEPT)

    def _quick_ones(self, clips: ClipSet) -> None:
        self.figures.repeated["cores"] = available_cores()
        formats = self._work / "formats"
        formats.mkdir()
        costs = decoding_costs(clips.paths[:16], formats)
        self.figures.decoding = {cost.name: cost.ms_per_second for cost in costs}
        try:
            timings = start_up_times(self._work, repeats=4 if self._quick else 6)
            self.figures.start_up = {timing.name: list(timing.seconds) for timing in timings}
        except subprocess.SubprocessError as error:
            self.figures.notes.append(f"Start-up: {error}")
        self._say("start-up: " + "; ".join(f"{name} {min(s):.2f} s" for name, s in self.figures.start_up.items()))
        self.save()

    def _measure_model(self, name: str, clips: ClipSet, left: int) -> None:
        folder = self._checkpoint(name, clips.paths[:_CLIPS_FOR_HEAD])
        mean_s = sum(clips.seconds) / len(clips.seconds)
        figures = ModelFigures(
            what=f"{CHECKPOINTS[name]}, random weights"
            if name in CHECKPOINTS
            else f"The demo's {_TINY_CHECKPOINT}, a classifier of a few thousand weights per layer",
            parameters=_weights(folder),
            gflop_per_s=gflop_per_second_of_audio(folder, mean_s),
        )
        self.figures.models[name] = figures
        self._say(f"{name}: {figures.gflop_per_s:.1f} GFLOP per second of audio")
        self._measure_peak(folder)
        budget = (self._end - time.monotonic() - 60 * _TAIL_MINUTES) / left
        plan = Plan(
            clips=clips,
            rounds=_ROUNDS,
            threads=available_cores(),
            deadline=time.monotonic() + budget,
            limit_s=_TURN_LIMIT_S,
            log=self._work / f"{name}.log",
        )
        measure(folder, figures, plan, save=self.save, say=self._say)
        self._measure_peak(folder)

    def _checkpoint(self, name: str, clips: Sequence[Path]) -> Path:
        folder = self._work / name / "checkpoint"
        if name != TINY:
            return write_checkpoint(name, folder, clips)
        return Path(shutil.copytree(checkpoints_path() / _TINY_CHECKPOINT, folder))

    def _measure_peak(self, folder: Path) -> None:
        with suppress(EngineError):
            engine = RemoteEngine(
                "peak", folder, log=self._work / "peak.log", threads=available_cores(), limit_s=_TURN_LIMIT_S
            )
            details = engine.answer([])["details"]
            engine.close()
            for name, value in details.items():
                self.figures.peak_gflops[name] = max(self.figures.peak_gflops.get(name, 0.0), float(value))

    def _repeat(self, clips: ClipSet) -> None:
        """Run `bench run` twice on the first checkpoint, and once on a single clip, for its start-up."""
        name = self._models[0]
        folder, cache = self._work / name / "checkpoint", self._work / name / "cache"
        common = ["run", "-m", folder, "--latency-seconds", 0, "--no-find-speech", "--quiet"]
        one = self._work / "one"
        one.mkdir()
        shutil.copyfile(clips.paths[0], one / clips.paths[0].name)
        everything = ["--corpus", f"folder:{clips.paths[0].parent}"]
        single = ["--corpus", f"folder:{one}"]
        try:
            found = self.figures.repeated
            found["clips"] = len(clips.paths)
            found["first"] = timed_run([*common, *everything, "--overwrite", "always"], folder=self._work, cache=cache)
            timed_run([*common, *single], folder=self._work, cache=cache)
            found["second"] = timed_run([*common, *everything], folder=self._work, cache=cache)
            found["start"] = timed_run([*common, *single], folder=self._work, cache=cache)
        except subprocess.SubprocessError as error:
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
            self.figures.notes.append(f"The same run again: {said[-1] if said else error}")
        self._say(f"the same run again: {self.figures.repeated}")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._begin:5.0f} s] {text}", flush=True)


def _weights(folder: Path) -> int:
    from safetensors import safe_open  # noqa: PLC0415

    with safe_open(folder / "model.safetensors", framework="np") as tensors:
        shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118 - not iterable
    total = 0
    for shape in shapes:
        size = 1
        for side in shape:
            size *= side
        total += size
    return total


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two checkpoints and 16 clips, in three minutes")
    parser.add_argument("--minutes", type=float, help="no further round is begun after so many")
    parser.add_argument("--models", nargs="+", choices=[*CHECKPOINTS, TINY], help="which checkpoints")
    parser.add_argument("--render-only", action="store_true", help="write the page from what was measured last")
    arguments = parser.parse_args()
    if arguments.render_only:
        figures = Figures.read(KEPT)
    else:
        with tempfile.TemporaryDirectory(prefix="bench-performance-") as work:
            run = _Run(arguments, Path(work))
            try:
                run.run()
            except KeyboardInterrupt:
                run.figures.notes.append("The run was interrupted.")
            finally:
                run.save()
        figures = run.figures
    text = render(figures)
    print(text)
    write_section(PAGE, "bench", text)


if __name__ == "__main__":
    main()
