"""What the label codes of single corpora mean, where the same letter means something else in the next corpus."""

from collections.abc import Mapping

from benchmark.emotions.suggestions import did_you_mean
from benchmark.emotions.vocabulary import codes_by_corpus
from benchmark.errors import RequestError


def conventions() -> tuple[str, ...]:
    """The names of the corpora whose codes are known.

    Examples:
        >>> "emodb" in conventions()
        True
    """
    return tuple(codes_by_corpus())


def label_codes(corpus: str) -> Mapping[str, str]:
    """What the codes of one corpus mean, as it writes them.

    Args:
        corpus: The name of a convention; case, hyphens and underscores do not matter.

    Returns:
        Code → canonical class.

    Raises:
        RequestError: The codes of this corpus are not known.

    Examples:
        >>> label_codes("emodb")["F"], label_codes("savee")["f"]
        ('happiness', 'fear')
    """
    by_folded = {_fold(name): name for name in conventions()}
    name = by_folded.get(_fold(corpus))
    if name is None:
        hint = did_you_mean(corpus, conventions()) or f"; the known ones are {', '.join(conventions())}"
        raise RequestError(f"unknown label codes {corpus!r}{hint}")
    return codes_by_corpus()[name]


def emotion_of_code(corpus: str, code: str) -> str | None:
    """The canonical class that a code means in one corpus.

    Args:
        corpus: The name of a convention.
        code: The code; case does not matter.

    Returns:
        The canonical name; None where the corpus has no such code.

    Raises:
        RequestError: The codes of this corpus are not known.

    Examples:
        >>> emotion_of_code("tess", "PS"), emotion_of_code("emodb", "q")
        ('surprise', None)
    """
    folded = {known.casefold(): emotion for known, emotion in label_codes(corpus).items()}
    return folded.get(code.strip().casefold())


def _fold(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")
