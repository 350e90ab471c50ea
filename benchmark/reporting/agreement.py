"""What `leaderboard.md` says of a corpus without labels: how far the candidates agree, and what that cannot say."""

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import counted, fraction
from benchmark.reporting.tables import Column, markdown_table
from benchmark.results.agreement import CorpusAgreement, PairAgreement, Voter

_LISTED_EMOTIONS = 4
_LISTED_PAIRS = 45
_MODELS = {
    "dawid-skene": "the model of Dawid and Skene",
    "one-coin": "the one-coin model (there are fewer than 50 clips per class, too few for a probability of each answer "
    "to each truth)",
}


def agreement_section(agreement: CorpusAgreement) -> list[str]:
    """Write what can be said of candidates without labels.

    Args:
        agreement: How far they agree.

    Returns:
        Blocks of Markdown; none without voters.
    """
    if not agreement.voters:
        return []
    return [
        "### What they answer, and how far they agree",
        "In the order of the registry; **this is no ranking**.",
        markdown_table(agreement.voters, _VOTER_COLUMNS),
        _how_to_read(agreement),
        *_pairs(agreement),
    ]


def _distribution(voter: Voter) -> str:
    shares = list(voter.distribution.items())
    listed = [f"{markdown_text(name)} {fraction(share)}" for name, share in shares[:_LISTED_EMOTIONS]]
    rest = sum(share for _, share in shares[_LISTED_EMOTIONS:])
    return ", ".join([*listed, *([f"others {fraction(rest)}"] if rest else [])])


_VOTER_COLUMNS = (
    Column[Voter]("candidate", lambda voter: markdown_text(voter.candidate)),
    Column[Voter]("answers", _distribution),
    Column[Voter]("confidence", lambda voter: fraction(voter.confidence), numeric=True),
    Column[Voter]("with the majority", lambda voter: fraction(voter.majority_agreement), numeric=True),
    Column[Voter]("accuracy if errors are independent", lambda voter: fraction(voter.estimated_accuracy), numeric=True),
    Column[Voter]("counted with", lambda voter: markdown_text(voter.twin_of or "")),
)


def _how_to_read(agreement: CorpusAgreement) -> str:
    sentences = []
    if agreement.alpha is not None:
        sentences.append(f"Krippendorff's alpha of them all is {agreement.alpha:.2f} (1: all agree; 0: as by chance).")
    if agreement.problem is not None:
        sentences.append(agreement.problem)
    if agreement.model is not None:
        shared = ", ".join(map(markdown_text, agreement.shared_emotions))
        sentences.append(
            f"Accuracy is estimated from agreement alone, with {_MODELS.get(agreement.model, agreement.model)}, over "
            f"{shared} and, as one class of its own, every other answer. It assumes that errors are independent; "
            "candidates that were trained on the same recordings err alike, and what they get wrong together counts as "
            "right here. Hold it against the two columns before it, which know no more, and against labels as soon as "
            "there are some."
        )
    return " ".join(sentences)


def _pairs(agreement: CorpusAgreement) -> list[str]:
    if not agreement.pairs:
        return []
    shown = sorted(agreement.pairs, key=lambda pair: -2.0 if pair.kappa is None else -pair.kappa)[:_LISTED_PAIRS]
    rest = len(agreement.pairs) - len(shown)
    more = f" {counted(rest, 'pair')} more in `leaderboard.json`." if rest else ""
    columns = [
        Column[PairAgreement](
            "candidates", lambda pair: f"{markdown_text(pair.first)} and {markdown_text(pair.second)}"
        ),
        Column[PairAgreement]("the same answer", lambda pair: fraction(pair.agreement), numeric=True),
        Column[PairAgreement](
            "Cohen's kappa", lambda pair: "" if pair.kappa is None else f"{pair.kappa:.2f}", numeric=True
        ),
    ]
    meaning = "; kappa takes off what chance would give" if any(pair.kappa is not None for pair in shown) else ""
    return [f"How often two agree{meaning}.{more}", markdown_table(shown, columns)]
