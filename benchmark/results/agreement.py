"""How far candidates agree on a corpus without labels: all that can be said of them there, and never a rank."""

from benchmark.results.schema import Stored


class Voter(Stored):
    """One candidate among the others.

    Attributes:
        candidate: What tables call it.
        clips: Clips that it answered.
        distribution: Share of its answers by emotion, the most frequent first.
        confidence: Mean probability of its answers.
        twin_of: The candidate that stands for both, where it cannot be told from one before it.
        majority_agreement: How often it says what most voters say, itself among them; a clip on which n answers tie
            counts 1/n for each of them. None where there are too few voters.
        estimated_accuracy: How often it would be right if all errors were independent; None where that is not
            estimated.
    """

    candidate: str
    clips: int
    distribution: dict[str, float]
    confidence: float | None
    twin_of: str | None = None
    majority_agreement: float | None = None
    estimated_accuracy: float | None = None


class PairAgreement(Stored):
    """Two voters: how often they agree, and how much more often than their distributions would by chance."""

    first: str
    second: str
    agreement: float
    kappa: float | None


class CorpusAgreement(Stored):
    """What the candidates say to a corpus without labels.

    Attributes:
        corpus: What tables call it.
        clips: Clips that could be read.
        shared_emotions: Those that all voters have a name for; every other answer is one class of its own.
        voters: The candidates that answered all clips, in the registry's order.
        pairs: Every two of them that are not twins.
        alpha: Krippendorff's alpha of all voters; None where nothing varies.
        model: How accuracy was estimated: `dawid-skene` or `one-coin`; None where it was not.
        problem: Why it was not, in a sentence.
    """

    corpus: str
    clips: int
    shared_emotions: tuple[str, ...]
    voters: tuple[Voter, ...]
    pairs: tuple[PairAgreement, ...]
    alpha: float | None
    model: str | None = None
    problem: str | None = None
