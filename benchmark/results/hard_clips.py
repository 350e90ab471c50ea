"""The clips that are worth listening to: those that candidates get wrong, and those on which they disagree."""

from benchmark.results.schema import Stored


class HardClip(Stored):
    """One clip, with what every candidate makes of it.

    Attributes:
        clip: Its name within the corpus.
        label: The corpus's own label, if any.
        emotion: What the label means, after merges; None where it means no emotion.
        speaker: Who speaks, if known.
        duration_s: Seconds of audio.
        able: How many candidates have a name for its emotion.
        wrong: How many of these do not answer it.
        disagreement: Entropy of the candidates' answers in nats; 0 where all say the same.
        answers: What each candidate says; None where it could not process the clip.
    """

    clip: str
    label: str | None = None
    emotion: str | None = None
    speaker: str | None = None
    duration_s: float | None = None
    able: int = 0
    wrong: int = 0
    disagreement: float = 0.0
    answers: dict[str, str | None] = {}


class HardClips(Stored):
    """What to listen to on one corpus.

    Attributes:
        corpus: What tables call it.
        candidates: How many candidates answered all of its clips.
        most_wrong: The clips that the largest share of those who could know gets wrong, the hardest first.
        most_disputed: The clips on which the answers differ most, the most disputed first.
    """

    corpus: str
    candidates: int
    most_wrong: tuple[HardClip, ...] = ()
    most_disputed: tuple[HardClip, ...] = ()
