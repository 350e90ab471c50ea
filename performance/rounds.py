"""All engines on one checkpoint: in turn, block by block, so that a slow minute hits all alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from performance.clips import ClipSet
from performance.figures import Block, EngineFigures, ModelFigures
from performance.remote import EngineError, RemoteEngine

COMPARED = ("pipeline-1", "pipeline-8", "reference", "auto", "fast", "bare-openvino", "bare-bfloat16")
"""Measured on every block."""
ONCE = ("naive", "bare-torch")
"""Measured on the first block only: nearly the same as another one, and slow."""
_WARM_UP_CLIPS = 2
_START_LIMIT_S = 240.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a checkpoint is measured.

    Attributes:
        clips: What all engines answer.
        block: How many clips are one turn.
        threads: Threads of each engine.
        deadline: When no further round is begun, on the monotonic clock; the first one is always made.
        limit_s: How long one turn may take.
        log: Where engines print.
    """

    clips: ClipSet
    block: int
    threads: int
    deadline: float
    limit_s: float
    log: Path

    def blocks(self) -> list[list[int]]:
        """The clips' places, block by block."""
        places = list(range(len(self.clips.paths)))
        return [places[begin : begin + self.block] for begin in range(0, len(places), self.block)]


def measure(
    folder: Path, figures: ModelFigures, plan: Plan, *, save: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Measure all engines on a checkpoint; what fails is noted and left out.

    Args:
        folder: The checkpoint.
        figures: Where the figures go.
        plan: How.
        save: Called after every step.
        say: Told how far it is.
    """
    engines = _start(folder, figures, plan, say)
    try:
        for place, block in enumerate(plan.blocks()):
            begin = time.monotonic()
            names = [name for name in (*ONCE, *COMPARED) if name in engines and (place == 0 or name in COMPARED)]
            turn = place % max(1, len(names))
            for name in names[turn:] + names[:turn]:
                _take_turn(engines, name, figures.engines[name], place, block, plan)
                save()
            seconds = time.monotonic() - begin
            say(f"  round {place + 1} of {len(plan.blocks())}, {len(block)} clips: {seconds:.0f} s")
            if time.monotonic() + seconds > plan.deadline:
                say("  the time for this checkpoint is over")
                break
    finally:
        for engine in engines.values():
            engine.close()


def _start(folder: Path, figures: ModelFigures, plan: Plan, say: Callable[[str], None]) -> dict[str, RemoteEngine]:
    """Start every engine and let it answer two clips, which are not counted."""
    engines: dict[str, RemoteEngine] = {}
    for name in (*ONCE, *COMPARED):
        found = figures.engines[name] = EngineFigures()
        try:
            engine = RemoteEngine(name, folder, log=plan.log, threads=plan.threads, limit_s=_START_LIMIT_S)
            begin = time.monotonic()
            engine.answer(plan.clips.paths[:_WARM_UP_CLIPS])
        except EngineError as error:
            found.failure = str(error)
            say(f"  {name}: {error}")
            continue
        found.ready_s, found.first_s = engine.ready_s, time.monotonic() - begin
        engine.limit_s = plan.limit_s
        engines[name] = engine
        say(f"  {name}: ready after {found.ready_s:.1f} s, first clips after another {found.first_s:.1f} s")
    return engines


def _take_turn(
    engines: dict[str, RemoteEngine],
    name: str,
    found: EngineFigures,
    place: int,
    block: Sequence[int],
    plan: Plan,
) -> None:
    try:
        answer = engines[name].answer([plan.clips.paths[clip] for clip in block])
    except EngineError as error:
        found.failure = str(error)
        engines.pop(name).close()
        return
    found.blocks.append(
        Block(
            place=place,
            seconds=answer["seconds"],
            audio_s=sum(plan.clips.seconds[clip] for clip in block),
            decisions=[int(np.argmax(row)) for row in answer["probabilities"]],
        )
    )
    found.memory_mb = max(found.memory_mb, answer["memory_mb"])
    found.details = answer["details"]
    found.redone += int(found.details.get("redone_clips", 0))
