"""How often new recordings are called different: those of held-out speakers, other corpora and changed recordings.

    python -m scripts.simulate_drift --draws 1000 --write

Decodes the recordings of `$BENCH_SHARED` (else ../shared) in some minutes, prints a table, and with `--write` puts it
into docs/simulations.md. Seeded: the same numbers every time.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream, open_audio
from benchmark.audio.measuring import Acoustics, measure
from benchmark.audio.perturbation import Perturbation, parse_perturbation, perturbed_blocks
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.table import read_table
from benchmark.results.runs import ClipRecord
from benchmark.scoring.drift import Measurements, compare_recordings, measurements
from benchmark.scoring.ranking import SIGNIFICANCE
from scripts.generated_sections import simulate_into_page

SHARED = Path(os.environ.get("BENCH_SHARED") or Path(__file__).parents[2] / "shared")
SEED = 20_260_301
CHANGES = ("telephone", "gain:-20dB")
FEW_CLIPS = 8

Chosen = NDArray[np.bool_]
Draw = Callable[[NDArray[np.int64], np.random.Generator], Chosen]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often drift is found, and how often a quantity alone is significant, as shares."""

    fired: float
    significant: float


def measured(corpus: str, change: str | None = None, *, every: int = 1) -> Measurements:
    """Decode a corpus, changed by a perturbation, and measure its clips."""
    clips = read_table(SHARED / "corpora" / corpus / "metadata.csv").clips[::every]
    perturbation = None if change is None else parse_perturbation(change)
    records, acoustics = [], []
    for clip in clips:
        if not isinstance(clip.audio, AudioFile):
            raise TypeError(f"{clip.name} is no file")
        sound, duration_s = _measured(clip.audio.path, perturbation)
        acoustics.append(sound)
        records.append(ClipRecord(clip=clip.name, clip_hash=clip.name, duration_s=duration_s, speaker=clip.speaker))
    return measurements(records, acoustics)


def _measured(path: Path, perturbation: Perturbation | None) -> tuple[Acoustics, float]:
    with open_audio(path) as stream:
        blocks, rate = list(stream.blocks), stream.sampling_rate
    if perturbation is not None:
        blocks = list(perturbed_blocks(blocks, rate, perturbation, seed=path.name, level=None))
    return measure(AudioStream(rate, 1, iter(blocks))), sum(block.size for block in blocks) / rate


def half(speakers: NDArray[np.int64], generator: np.random.Generator) -> Chosen:
    """Half of the speakers."""
    numbers = generator.permutation(speakers.max() + 1)
    return np.isin(speakers, numbers[: len(numbers) // 2])


def one(speakers: NDArray[np.int64], generator: np.random.Generator) -> Chosen:
    """One speaker."""
    return np.asarray(speakers == generator.integers(speakers.max() + 1), dtype=np.bool_)


def rates(old: Measurements, new: Measurements, draw: Draw, draws: int, *, nameless: bool = False) -> Rates:
    """Draw speakers of the old corpus; compare their clips in the new one with those of the other speakers.

    Args:
        new: The same clips, perhaps changed; another corpus is compared as a whole.
        nameless: Take `FEW_CLIPS` clips, whose speaker nobody knows.
    """
    generator = np.random.default_rng([SEED, *f"{draw.__name__}{nameless}".encode()])
    names = sorted({speaker or "" for speaker in old.speakers})
    speakers = np.array([names.index(speaker or "") for speaker in old.speakers])
    is_same = new.speakers == old.speakers
    found = np.zeros(2)
    for _ in range(draws):
        drawn = draw(speakers, generator)
        chosen = drawn if is_same else np.ones(len(new.speakers), dtype=np.bool_)
        if nameless:
            chosen = np.isin(np.arange(len(chosen)), generator.permutation(np.flatnonzero(chosen))[:FEW_CLIPS])
        comparison = compare_recordings(_part(old, ~drawn), _part(new, chosen, nameless=nameless))
        found += (
            any(own.differs for own in comparison.differences),
            any(own.p < SIGNIFICANCE for own in comparison.differences),
        )
    return Rates(fired=float(found[0]) / draws, significant=float(found[1]) / draws)


def _part(whole: Measurements, chosen: Chosen, *, nameless: bool = False) -> Measurements:
    speakers = tuple(None if nameless else whole.speakers[index] for index in np.flatnonzero(chosen))
    return Measurements(speakers=speakers, values={name: values[chosen] for name, values in whole.values.items()})


def report(draws: int) -> str:
    """Measure and draw everything, and write what came of it as Markdown."""
    corpora = {"RAVDESS": measured("ravdess"), "EmoDB-4": measured("emodb_4class")}
    lines = [
        f"{draws:,} draws a row, seed {SEED}; `python -m scripts.simulate_drift --write`. Duration, level, speech "
        "above noise and bandwidth. The clips of the drawn speakers are new, those of the others the run's.",
        "",
        "| new recordings | against | called different, % | a p below 0.05, % |",
        "| --- | --- | ---: | ---: |",
    ]

    def add(what: str, name: str, found: Rates) -> None:
        lines.append(f"| {what} | {name} | {100 * found.fired:.1f} | {100 * found.significant:.1f} |")

    for name, corpus in corpora.items():
        add("half of the speakers", name, rates(corpus, corpus, half, draws))
        add("one speaker", name, rates(corpus, corpus, one, draws))
        few = rates(corpus, corpus, one, draws, nameless=True)
        add(f"{FEW_CLIPS} clips of one speaker, who is not named", name, few)
    ravdess, emodb = corpora.values()
    add("EmoDB-4", "RAVDESS, half", rates(ravdess, emodb, half, draws))
    add("RAVDESS", "EmoDB-4, half", rates(emodb, ravdess, half, draws))
    for change in CHANGES:
        changed = measured("ravdess", change)
        for draw, what in ((half, "half of the speakers"), (one, "one speaker")):
            add(f"{what}, {change}", "RAVDESS", rates(ravdess, changed, draw, draws))
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the table, and write it into the page where asked."""
    simulate_into_page("drift", report, description="How often new recordings are called different.", draws=1000)


if __name__ == "__main__":
    main()
