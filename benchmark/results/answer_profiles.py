"""What a candidate answers on a corpus, taken together: how often what, and how sure it is of what is right."""

from benchmark.results.schema import Stored


class ReliabilityBin(Stored):
    """Clips of which a candidate is about equally sure.

    Attributes:
        clips: How many there are.
        confidence: Mean probability of its answers to them.
        accuracy: Share of these answers that is right.
    """

    clips: int
    confidence: float
    accuracy: float


class AnswerProfile(Stored):
    """What one candidate answers on one corpus: on its scored clips, or on all where nothing can be scored.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        answers: Clips by answer, the most frequent first.
        truth: Clips by their emotion, the most frequent first; empty where nothing can be scored.
        unanswered: Clips that it could not process.
        reliability: How right it is by how sure it is, the least sure first; empty where clips are too few to tell.
    """

    candidate: str
    corpus: str
    answers: dict[str, int]
    truth: dict[str, int] = {}
    unanswered: int = 0
    reliability: tuple[ReliabilityBin, ...] = ()
