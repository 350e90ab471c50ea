"""What was measured, kept in a file after every step, so that a run that is stopped loses nothing."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(kw_only=True)
class Turn:
    """One engine on all clips, in one round.

    Attributes:
        place: Which round.
        seconds: How long it took.
        audio_s: How much audio it was.
        decisions: The label that got the highest probability, by clip.
        again_s: Of its seconds, those in which bench did close answers again.
    """

    place: int
    seconds: float
    audio_s: float
    decisions: list[int]
    again_s: float = 0.0


@dataclass(kw_only=True)
class EngineFigures:
    """One engine on one checkpoint.

    Attributes:
        ready_s: From the start of its process to a loaded model; for bench, to where it can be asked.
        first_s: How long its first clips took, which are not counted: loading for bench, and converting.
        turns: What was timed.
        memory_mb: The most memory of the process that holds the model.
        details: What it says of itself.
        redone: Clips that the reference has done again, for bench's faster ways.
        failure: Why there are no or fewer turns.
    """

    ready_s: float = 0.0
    first_s: float = 0.0
    turns: list[Turn] = field(default_factory=list)
    memory_mb: float = 0.0
    details: dict[str, str] = field(default_factory=dict)
    redone: int = 0
    failure: str | None = None

    def clips(self) -> int:
        """How many clips it has answered."""
        return sum(len(turn.decisions) for turn in self.turns)

    def clips_per_second(self) -> float:
        """Over all its turns."""
        return self.clips() / sum(turn.seconds for turn in self.turns)

    def rtfx(self) -> float:
        """Seconds of audio per second, over all its turns."""
        return sum(turn.audio_s for turn in self.turns) / sum(turn.seconds for turn in self.turns)


@dataclass(kw_only=True)
class ModelFigures:
    """All engines on one checkpoint.

    Attributes:
        what: The checkpoint in words.
        parameters: Its number of weights.
        gflop_per_s: Operations (10⁹) per second of audio, counted on a clip of the mean length.
        engines: By name.
    """

    what: str
    parameters: int
    gflop_per_s: float
    engines: dict[str, EngineFigures] = field(default_factory=dict)

    def ratios(self, engine: str, against: str, *, without_again: bool = False) -> list[float]:
        """How many times as fast an engine was as another, round by round, in those that both have.

        Args:
            engine: Its name.
            against: That of the other.
            without_again: Whether the time is left out in which bench did close answers again.
        """
        if engine not in self.engines or against not in self.engines:
            return []
        others = {turn.place: turn.seconds for turn in self.engines[against].turns}
        return [
            others[turn.place] / (turn.seconds - without_again * turn.again_s)
            for turn in self.engines[engine].turns
            if turn.place in others
        ]

    def pays_from(self, engine: str, reference: str) -> int | None:
        """From how many clips on converting and comparing cost less than they save; None where they never do."""
        ours, other = self.engines.get(engine), self.engines.get(reference)
        if ours is None or other is None or not ours.turns or not other.turns or "check_s" not in ours.details:
            return None
        saved = 1 / other.clips_per_second() - 1 / ours.clips_per_second()
        spent = float(ours.details["conversion_s"]) + float(ours.details["check_s"])
        return math.ceil(spent / saved) if saved > 0 else None

    def differing(self, engine: str, reference: str) -> int | None:
        """How many decisions differ from the reference's; None where nothing can be compared."""
        if engine not in self.engines or reference not in self.engines:
            return None
        others = {turn.place: turn.decisions for turn in self.engines[reference].turns}
        both = [(turn.decisions, others[turn.place]) for turn in self.engines[engine].turns if turn.place in others]
        if not both:
            return None
        return sum(own != other for ours, theirs in both for own, other in zip(ours, theirs, strict=True))


@dataclass(kw_only=True)
class Figures:
    """Everything.

    Attributes:
        date: When.
        machine: Lines that describe it.
        others: Share of the processors that other processes used while it was measured; None where unknown.
        clips: The clips, in words.
        audio_s: Seconds of audio in all.
        models: By name.
        peak_gflops: Best matrix product by number format, in GFLOP/s.
        start_up: Seconds by what was started.
        repeated: Seconds of the first and the second of two equal runs, and of the help.
        decoding: Milliseconds of one core per second of audio, by format.
        notes: What went wrong.
    """

    date: str
    machine: list[str]
    others: float | None = None
    clips: str = ""
    audio_s: float = 0.0
    models: dict[str, ModelFigures] = field(default_factory=dict)
    peak_gflops: dict[str, float] = field(default_factory=dict)
    start_up: dict[str, list[float]] = field(default_factory=dict)
    repeated: dict[str, float] = field(default_factory=dict)
    decoding: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Keep everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was kept."""
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["models"] = {name: _model(model) for name, model in content["models"].items()}
        return cls(**content)


def _model(content: dict[str, Any]) -> ModelFigures:
    engines = {
        name: EngineFigures(**{**engine, "turns": [Turn(**turn) for turn in engine["turns"]]})
        for name, engine in content.pop("engines").items()
    }
    return ModelFigures(**content, engines=engines)
