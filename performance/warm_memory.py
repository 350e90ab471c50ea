"""How much memory an engine takes once it has answered clips of 200 different lengths, beside the pipeline.

    python -m performance.warm_memory [--models wav2vec2-base ...] [--clips 200]

Each engine is a process of its own and answers the same clips, 1 to 10 s of recordings, one of each length, in the same
order. On an idle machine with two cores it takes a quarter of an hour.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmark.results.environment import available_cores
from performance.checkpoints import CHECKPOINTS, write_checkpoint
from performance.clips import RATE, make_clips
from performance.engines import read_samples
from performance.remote import RemoteEngine
from scripts.generated_sections import write_section

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MODELS = ("wav2vec2-base", "wavlm-base", "whisper-base")
ENGINES = {
    "pipeline-1": 'pipeline("audio-classification"), batch 1',
    "auto": "bench (`--backend auto`)",
    "fast": "bench, `--fast`",
}
"""What is measured, by its name in `performance.engine_process`; the first is what the others are held against."""
MOST = 1.15
_SHORTEST_S, _LONGEST_S = 1.0, 10.0
_RECORDINGS = 64
_LIMIT_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class WarmMemory:
    """The largest memory of an engine that has answered all clips.

    Attributes:
        engine: Its name.
        model_mb: Of the process that holds the model, in MB (10⁶ bytes).
        asking_mb: Of the process that asks it; None where that is the same.
        computed_with: What bench chose; empty for others.
    """

    engine: str
    model_mb: float
    asking_mb: float | None
    computed_with: str


def write_lengths(count: int, folder: Path) -> list[Path]:
    """Cut recordings into clips of evenly spread lengths, no two of which are the same, in a mixed order.

    Args:
        count: How many.
        folder: Where `clips` is made, and `recordings` to cut them from.
    """
    recordings = make_clips(_RECORDINGS, folder / "recordings")
    voice = np.concatenate([read_samples(path, RATE) for path in recordings.paths])
    random = np.random.default_rng(0)
    paths = []
    (folder / "clips").mkdir()
    for place, seconds in enumerate(random.permutation(np.linspace(_SHORTEST_S, _LONGEST_S, count))):
        size = round(float(seconds) * RATE)
        begin = int(random.integers(voice.size - size))
        paths.append(folder / "clips" / f"{place:04d}.flac")
        soundfile.write(paths[-1], voice[begin : begin + size], RATE)
    return paths


def measure(name: str, clips: Sequence[Path], folder: Path) -> list[WarmMemory]:
    """Let every engine answer the clips, one engine after the other.

    Args:
        name: Of the checkpoint, as in `CHECKPOINTS`.
        clips: The clips.
        folder: Where checkpoints and what bench keeps go.

    Raises:
        EngineError: An engine failed.
    """
    checkpoint = write_checkpoint(name, folder / name / "checkpoint")
    found = []
    for engine in ENGINES:
        remote = RemoteEngine(
            engine, checkpoint, log=folder / f"{name}.log", threads=available_cores(), limit_s=_LIMIT_S
        )
        try:
            answer = remote.answer(clips)
        finally:
            remote.close()
        details = answer["details"]
        asking = float(details["parent_mb"]) if "parent_mb" in details else None
        found.append(
            WarmMemory(
                engine=engine,
                model_mb=answer["memory_mb"],
                asking_mb=asking,
                computed_with=details.get("engine", ""),
            )
        )
        print(name, found[-1], flush=True)
    return found


def table(found: dict[str, list[WarmMemory]]) -> str:
    """Write the engines of every checkpoint beside each other."""
    lines = ["| model | engine | memory MB | × pipeline |", "| --- | --- | --- | --- |"]
    for name, engines in found.items():
        for each in engines:
            asking = "" if each.asking_mb is None else f" + {each.asking_mb:,.0f}"
            engine = ENGINES[each.engine] + (f", {each.computed_with}" if each.computed_with else "")
            lines.append(f"| {name} | {engine} | {each.model_mb:,.0f}{asking} | {share(each, engines):.2f} |")
    return "\n".join(lines)


def share(one: WarmMemory, engines: Sequence[WarmMemory]) -> float:
    """How much the process that holds the model takes, in units of the first engine's."""
    return one.model_mb / engines[0].model_mb


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page; 1 where bench takes more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=[*CHECKPOINTS], default=MODELS, help="which checkpoints")
    parser.add_argument("--clips", type=int, default=200, help="how many lengths")
    parser.add_argument("--no-page", action="store_true", help="print only")
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-warm-memory-") as work:
        clips = write_lengths(wanted.clips, Path(work))
        found = {name: measure(name, clips, Path(work)) for name in wanted.models}
    text = table(found)
    print(text)
    if not wanted.no_page:
        write_section(PAGE, "warm", text)
    return 1 if any(share(each, engines) > MOST for engines in found.values() for each in engines) else 0


if __name__ == "__main__":
    sys.exit(main())
