"""Why a candidate could not process clips that can be read."""

from benchmark.results.schema import Stored

LISTED_CLIPS = 5


class FailedClips(Stored):
    """Clips that one candidate could not process for one reason; they count as answered wrongly by it.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        reason: What happened, as the model's libraries say it.
        clips: How many clips.
        examples: The names of the first five of them.
    """

    candidate: str
    corpus: str
    reason: str
    clips: int
    examples: tuple[str, ...]
