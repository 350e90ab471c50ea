"""Reasons against choosing a candidate, each one sentence for a person, and the corpora on which a choice can rest."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic import Field

from benchmark.errors import RequestError
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.schema import Stored
from benchmark.results.verification import Verification
from benchmark.scoring.decisions import MIN_EMOTIONS
from benchmark.scoring.metrics import adjusted_uar

DISQUALIFYING: Mapping[str, str] = MappingProxyType(
    {
        "collapsed": "on {corpus} it answers the same almost always, whatever it hears (collapsed)",
        "at-chance": "on {corpus} it is not better than guessing, or hardly (at-chance)",
        "cannot-tell": "on {corpus} it is not shown to be better than guessing (cannot-tell)",
        "label-permuted": "on {corpus} its labels seem to be interchanged (label-permuted)",
    }
)
"""Flags with which a candidate is never recommended, and the reason that is given."""


class Constraints(Stored):
    """Requirements on a choice; None and empty for no requirement.

    Attributes:
        max_latency_ms: Upper limit of the median time of one segment.
        min_uar: Lower limit of the lower bound of UAR, on every corpus that the choices are compared on.
        within: How much UAR the pick may cost at most, compared with the best choice, on each of these corpora; the
            cheapest of those is picked. None to pick the highest lower bound of UAR.
        language: The language of the corpora that count, as an ISO 639 code.
        max_size_mb: Upper limit of the weight files, in megabytes (10⁶ bytes).
        corpora: The corpora that count; empty for all that are labelled.
        device: The device of the latency; None for the CPU, or what was timed.
    """

    max_latency_ms: float | None = Field(default=None, gt=0)
    min_uar: float | None = Field(default=None, ge=0, le=1)
    within: float | None = Field(default=None, gt=0, le=1)
    language: str | None = None
    max_size_mb: float | None = Field(default=None, gt=0)
    licenses: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    device: str | None = None


def considered_corpora(
    leaderboard: Leaderboard, record: RunRecord, constraints: Constraints
) -> tuple[CorpusSummary, ...] | str:
    """Find the corpora that a choice can rest on: those asked for that are labelled and wholly in the language.

    Returns:
        The corpora; where there are none, the reason in a sentence.

    Raises:
        RequestError: A corpus that is asked for is not one of the run's.
    """
    summaries = {corpus.name: corpus for corpus in leaderboard.corpora}
    for name in constraints.corpora:
        if name not in summaries:
            raise RequestError(f"this run has no corpus {name!r}; it has {', '.join(summaries) or 'none'}.")
    chosen = [corpus for name, corpus in summaries.items() if not constraints.corpora or name in constraints.corpora]
    labelled = tuple(corpus for corpus in chosen if len(corpus.emotion_clips) >= MIN_EMOTIONS)
    if not labelled:
        named = ", ".join(corpus.name for corpus in chosen) or "no corpus at all"
        return (
            f"Nothing can be recommended from {named}: without labels of at least two emotions nobody can say who is "
            "right; run on a labelled corpus that is like your audio."
        )
    if constraints.language is None:
        return labelled
    languages = {corpus.name: corpus_languages(corpus) for corpus in record.corpora}
    in_language = tuple(corpus for corpus in labelled if languages[corpus.name] == {_primary(constraints.language)})
    listed = "; ".join(
        f"{corpus.name}: {', '.join(sorted(languages[corpus.name])) or 'unknown'}" for corpus in labelled
    )
    return in_language or (
        f"No labelled corpus of this run is wholly in {constraints.language!r} ({listed}): run on one that is, or "
        "on that part of one, with the option --language of run. What a model's card claims does not count."
    )


def corpus_languages(corpus: CorpusRecord) -> set[str]:
    """The primary language codes of a corpus's clips; empty where the language of any clip is unknown.

    Examples:
        >>> corpus_languages(CorpusRecord(name="c", source="c", clips=(), available_clips=0))
        set()
    """
    spoken = {clip.language for clip in corpus.clips if clip.clip_hash is not None}
    return set() if None in spoken else {_primary(language) for language in spoken if language is not None}


def _primary(language: str) -> str:
    return language.casefold().replace("_", "-").partition("-")[0]


def disqualifying_reasons(
    leaderboard: Leaderboard, candidate: str, rows: Mapping[str, LeaderboardRow]
) -> tuple[str, ...]:
    """Reasons against a candidate, by its deciding row on each corpus that counts, that hold whatever is required."""
    absent = next((other for other in leaderboard.not_evaluated if other.candidate == candidate), None)
    if absent is not None:
        return (f"it was not evaluated ({absent.status}): {absent.reason}",)
    if not rows:
        return ("it was evaluated on no corpus that counts",)
    unseen = {corpus: row for corpus, row in rows.items() if row.seen != "yes"}
    if not unseen:
        return (f"it was trained on {', '.join(rows)}, so that its scores there say little about other audio",)
    scored = {corpus: row for corpus, row in unseen.items() if row.uar_low is not None}
    stopped = [f"on {corpus} it was {row.stopped} by a race" for corpus, row in unseen.items() if row.stopped]
    if stopped:
        return tuple(stopped)
    if not scored:
        return (f"its evaluation on {', '.join(unseen)} has no scores: {', '.join(next(iter(unseen.values())).flags)}",)
    flagged = (
        sentence.format(corpus=corpus)
        for corpus, row in scored.items()
        for flag, sentence in DISQUALIFYING.items()
        if flag in row.flags
    )
    return (*flagged, *_not_above_guessing(leaderboard, scored))


def _not_above_guessing(leaderboard: Leaderboard, rows: Mapping[str, LeaderboardRow]) -> Iterator[str]:
    """Corpora where guessing among their emotions may be as right, though the flag at-chance is not raised.

    The flag gives credit for answers that are none of the corpus's emotions; they are of no use to anybody.
    """
    emotions = {corpus.name: len(corpus.compared_emotions) for corpus in leaderboard.corpora}
    for corpus, row in rows.items():
        above = adjusted_uar(row.uar_low, emotions.get(corpus, 0))
        if above is not None and above <= 0 and not set(DISQUALIFYING) & set(row.flags):
            yield (
                f"on {corpus} its UAR may be as low as {row.uar_low:.3g}, and guessing among the {emotions[corpus]} "
                f"emotions there gives {1 / emotions[corpus]:.3g}"
            )


def resource_reasons(
    verification: Verification, latency_ms: float | None, device: str | None, constraints: Constraints
) -> tuple[str, ...]:
    """Reasons why a candidate is too slow, too large, or not licensed as required; unknown counts as not met."""
    reasons = []
    for value, limit, quantity, unit in (
        (latency_ms, constraints.max_latency_ms, f"its latency on {device or 'any device'}", "ms"),
        (verification.size_mb, constraints.max_size_mb, "its size", "MB"),
    ):
        if limit is None or (value is not None and value <= limit):
            continue
        measured = "is not known" if value is None else f"is {value:.4g} {unit}"
        reasons.append(f"{quantity} {measured}; at most {limit:g} {unit} was asked for")
    allowed, own = " or ".join(constraints.licenses), verification.license
    if constraints.licenses and own is None:
        reasons.append(f"it declares no licence; {allowed} was asked for")
    elif own is not None and own.casefold() not in {name.casefold() for name in constraints.licenses or (own,)}:
        reasons.append(f"its licence is {own}, not {allowed}")
    return tuple(reasons)


def score_reasons(
    rows: Mapping[str, LeaderboardRow], basis: Sequence[CorpusSummary], constraints: Constraints
) -> tuple[str, ...]:
    """Reasons why a candidate cannot be compared on the basis of all choices, or may be worse there than required."""
    reasons = []
    for corpus in basis:
        row = rows.get(corpus.name)
        if row is None or row.uar_low is None:
            reasons.append(f"it was trained on {corpus.name} or has no scores there, which the others are compared on")
        elif constraints.min_uar is not None and row.uar_low < constraints.min_uar:
            reasons.append(
                f"its UAR on {corpus.name} may be as low as {row.uar_low:.3g}; at least {constraints.min_uar:g} was "
                "asked for"
            )
    return tuple(reasons)


def regret_reasons(regret: float | None, within: float) -> tuple[str, ...]:
    """Reasons why choosing a candidate may cost more UAR than allowed; `regret` is the upper bound of that."""
    asked = f"at most {within:g} was asked for"
    if regret is None:
        return (f"without at least three known speakers nobody knows how much UAR choosing it may cost; {asked}",)
    return () if regret <= within else (f"choosing it may cost {regret:.2g} UAR compared with the best; {asked}",)
