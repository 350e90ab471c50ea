"""Clips for tests of training: of plain data, and of the corpora of `BENCH_SHARED`."""

from collections.abc import Mapping, Sequence

from benchmark.training.training_clips import TrainingClips, class_indices


def training_clips(
    emotions: Sequence[str],
    speakers: Sequence[str | None] | None = None,
    texts: Sequence[str | None] | None = None,
    *,
    hashes: Sequence[str] | None = None,
    attributes: Sequence[Mapping[str, str]] = (),
) -> TrainingClips:
    """Clips named `clip 0`, `clip 1`, …, each with audio of its own unless `hashes` says otherwise."""
    count = len(emotions)
    labels, classes = class_indices(emotions)
    return TrainingClips(
        names=tuple(f"clip {number}" for number in range(count)),
        labels=labels,
        classes=classes,
        speakers=tuple(speakers or [None] * count),
        texts=tuple(texts or [None] * count),
        hashes=tuple(hashes or [f"{number:064x}" for number in range(count)]),
        attributes=tuple(attributes),
    )


def acted(
    speakers: int, emotions: Sequence[str] = ("anger", "fear", "neutral"), texts: int = 1, takes: int = 2
) -> TrainingClips:
    """Every speaker (`01`, `02`, …) reads every text in every emotion."""
    rows = [
        (emotion, f"{speaker:02}", f"text {text}")
        for speaker in range(1, speakers + 1)
        for emotion in emotions
        for text in range(texts)
        for _ in range(takes)
    ]
    emotion, speaker, text = zip(*rows, strict=True)
    return training_clips(emotion, speaker, text)
