"""Arousal, valence and dominance: what outputs and columns are called, and the board of candidates that rate them.

Candidates rate from 0 to 1, as the published models do. The ratings of a corpus are mapped to that from their `Scale`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.errors import RequestError, did_you_mean
from benchmark.results.environment import Environment
from benchmark.results.runs import StoredRequest
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.verification import Verification

AROUSAL, VALENCE, DOMINANCE = DIMENSIONS = ("arousal", "valence", "dominance")
"""In the order of reports."""
_WORDS: Mapping[str, str] = MappingProxyType(
    {AROUSAL: "arousal|activation|aro|act", VALENCE: "valence|pleasure|val", DOMINANCE: "dominance|power|control|dom"}
)
_OUTPUT = {name: re.compile(rf"(label[ _-]?)?({words}|{name[0]})(\W.*|_.*)?") for name, words in _WORDS.items()}
_COLUMN = {
    name: re.compile(rf"(emo[ _-]?)?({words})([ _-]?(score|value|level|mean))?") for name, words in _WORDS.items()
}


def dimension_of(label: str) -> str | None:
    """The dimension that an output of a model is called after.

    Examples:
        >>> dimension_of("arousal"), dimension_of("V"), dimension_of("LABEL_0"), dimension_of("anger")
        ('arousal', 'valence', None, None)
    """
    return next((name for name, pattern in _OUTPUT.items() if pattern.fullmatch(label.strip().lower())), None)


def rated_by(labels: Sequence[str]) -> dict[str, int]:
    """Dimension → index of the output that rates it; without those that two outputs are called after.

    Examples:
        >>> rated_by(("arousal", "dominance", "valence"))
        {'arousal': 0, 'dominance': 1, 'valence': 2}
    """
    named = list(map(dimension_of, labels))
    return {name: index for index, name in enumerate(named) if name is not None and named.count(name) == 1}


def dimension_columns(present: Iterable[str], chosen: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Dimension → the column that holds it, for those that there are; `chosen` columns come first where they are there.

    Examples:
        >>> dimension_columns(["file", "EmoAct", "valence_mean"])
        {'arousal': 'EmoAct', 'valence': 'valence_mean'}
        >>> dimension_columns(["act", "energy"], {"arousal": "energy"})
        {'arousal': 'energy'}
    """
    columns = list(present)
    found = {}
    for name, pattern in _COLUMN.items():
        usual = (column for column in columns if pattern.fullmatch(column.strip().lower()))
        column = chosen[name] if chosen.get(name) in columns else next(usual, None)
        if column is not None:
            found[name] = column
    return found


@dataclass(frozen=True)
class Scale:
    """The range of a corpus's ratings.

    Examples:
        >>> Scale.parse("1..7"), Scale(1, 5).to_unit(3)
        (Scale(low=1.0, high=7.0), array(0.5))
    """

    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> "Scale":
        """Read LOW..HIGH.

        Raises:
            RequestError: It is not that.
        """
        low, dots, high = text.partition("..")
        try:
            scale = cls(float(low), float(high))
        except ValueError:
            scale = cls(0.0, 0.0)
        if not dots or not -1e9 < scale.low < scale.high < 1e9:  # noqa: PLR2004 - larger numbers are slips
            raise RequestError(f"--scale wants LOW..HIGH, such as 1..7, and not {text!r}.")
        return scale

    def to_unit(self, ratings: ArrayLike) -> NDArray[np.float64]:
        """Map ratings to 0 to 1."""
        return np.asarray((np.asarray(ratings, dtype=np.float64) - self.low) / (self.high - self.low))

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def parse_scales(texts: Iterable[str]) -> dict[str, Scale]:
    """Read what `--scale` says: one range for all dimensions, or DIMENSION=RANGE; the latter takes precedence.

    Raises:
        RequestError: One is no range, is of an unknown dimension, or contradicts another.

    Examples:
        >>> {name: str(scale) for name, scale in parse_scales(["1..5", "valence=-3..3"]).items()}
        {'arousal': '1 to 5', 'valence': '-3 to 3', 'dominance': '1 to 5'}
    """
    given: dict[str, Scale] = {}
    for text in texts:
        name, equals, scale = text.rpartition("=")
        name = name.strip()
        if equals and name not in DIMENSIONS:
            known = did_you_mean(name, DIMENSIONS, otherwise="there are")
            raise RequestError(f"--scale {text}: there is no dimension {name!r}{known}.")
        parsed = Scale.parse(scale.strip())
        if given.setdefault(name, parsed) != parsed:
            raise RequestError(f"--scale says two ranges{f' of {name}' if name else ''}: keep one.")
    return {name: own for name in DIMENSIONS if (own := given.get(name, given.get(""))) is not None}


class DimensionRow(Stored):
    """How well one candidate rates one dimension of one corpus; None where there is no number.

    Attributes:
        clips: Clips with a rating.
        answered: Those that the candidate has rated. Each other one counts as if it had the mean of these.
        speakers: 0 where the speaker of some clip is unknown.
        ccc: Concordance correlation (Lin 1989) of the ratings, mapped to 0 to 1, with the answers.
        pearson: Correlation, which no scale changes.
        mae: Mean absolute error, of ratings that are mapped to 0 to 1.
        interval: `speakers`, or `clips` where speakers are unknown or fewer than three: then it is too narrow.
        answer_low: The smallest answer.
        answer_high: The largest.
        note: Why there is no score, or how to take it.
    """

    corpus: str
    dimension: str
    candidate: str
    clips: int
    answered: int
    speakers: int
    ccc: float | None = None
    ccc_low: float | None = None
    ccc_high: float | None = None
    pearson: float | None = None
    pearson_low: float | None = None
    pearson_high: float | None = None
    mae: float | None = None
    mae_low: float | None = None
    mae_high: float | None = None
    interval: str | None = None
    answer_low: float | None = None
    answer_high: float | None = None
    head: str | None = None
    revision: str | None = None
    note: str | None = None


class RatedCorpus(Stored):
    """A corpus of a board.

    Attributes:
        columns: Dimension → the column of its ratings.
        scales: Dimension → lowest and highest possible rating, as declared.
        unreadable: Clips that cannot be read, of all.
        unrated: Dimension → readable clips without a rating.
    """

    corpus: str
    source: str
    clips: int
    unreadable: int = 0
    columns: dict[str, str]
    scales: dict[str, tuple[float, float]] = {}
    unrated: dict[str, int] = {}


class DimensionBoard(StoredFile):
    """How well candidates rate arousal, valence and dominance.

    Attributes:
        rows: By corpus and dimension, the best first: by CCC, or by Pearson's correlation where there is none.
        verifications: The verdicts on all candidates; those of the board are `dimensional`.
        not_evaluated: Candidate → why it is not on the board.
        failures: Candidate → what of its run failed.
    """

    created: datetime
    registry: str
    environment: Environment
    request: StoredRequest | None = None
    corpora: tuple[RatedCorpus, ...]
    rows: tuple[DimensionRow, ...]
    verifications: tuple[Verification, ...] = ()
    not_evaluated: dict[str, str] = {}
    failures: dict[str, str] = {}
    interrupted: bool = False
