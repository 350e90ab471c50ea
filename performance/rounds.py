"""All engines on one checkpoint: in turn, round by round, so that a slow minute hits all alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from performance.clips import ClipSet
from performance.figures import EngineFigures, ModelFigures, Turn
from performance.remote import EngineError, RemoteEngine

COMPARED = ("pipeline-1", "pipeline-default", "reference", "auto", "fast", "bare-openvino", "bare-bfloat16")
"""Measured in every round."""
ONCE = ("naive", "bare-torch", "pipeline-8")
"""Measured in the first round only: they are slow, and no target is held against them."""
_WARM_UP_CLIPS = 2
_START_LIMIT_S = 240.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a checkpoint is measured.

    Attributes:
        clips: What all engines answer in each round, as a run answers them: one after the other, without a pause.
        rounds: How often.
        threads: Threads of each engine.
        deadline: When no further round is begun, on the monotonic clock; the first one is always made.
        limit_s: How long one turn may take.
        log: Where engines print.
    """

    clips: ClipSet
    rounds: int
    threads: int
    deadline: float
    limit_s: float
    log: Path


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
        for place in range(plan.rounds):
            begin = time.monotonic()
            names = [name for name in (*ONCE, *COMPARED) if name in engines and (place == 0 or name in COMPARED)]
            first = place * len(names) // plan.rounds
            for name in names[first:] + names[:first]:
                _take_turn(engines, name, figures.engines[name], place, plan)
                save()
            say(f"  round {place + 1} of {plan.rounds}: {time.monotonic() - begin:.0f} s")
            last = [found.turns[-1].seconds for name in COMPARED if (found := figures.engines[name]).turns]
            if time.monotonic() + sum(last) > plan.deadline:
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
    plan: Plan,
) -> None:
    try:
        answer = engines[name].answer(plan.clips.paths)
    except EngineError as error:
        found.failure = str(error)
        engines.pop(name).close()
        return
    found.turns.append(
        Turn(
            place=place,
            seconds=answer["seconds"],
            audio_s=sum(plan.clips.seconds),
            decisions=[int(np.argmax(row)) for row in answer["probabilities"]],
            again_s=float(answer["details"].pop("again_s", 0.0)),
        )
    )
    found.memory_mb = max(found.memory_mb, answer["memory_mb"])
    found.details = answer["details"]
    found.redone += int(found.details.get("redone_clips", 0))
