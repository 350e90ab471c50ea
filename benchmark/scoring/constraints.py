"""What speaks against choosing a candidate: each reason is one sentence for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import Field

from benchmark.errors import RequestError
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.schema import Stored
from benchmark.results.verification import Verification
from benchmark.scoring.metrics import above_guessing
from benchmark.scoring.ranking import FEWEST_EMOTIONS_TO_RANK

DISQUALIFYING: Mapping[str, str] = MappingProxyType(
    {
        "collapsed": "on {corpus} it answers the same almost always, whatever it hears (collapsed)",
        "at-chance": "on {corpus} it is not shown to be better than guessing (at-chance)",
        "label-permuted": "on {corpus} its labels seem to be interchanged (label-permuted)",
    }
)
"""Flags with which a candidate is never recommended, and what is said of it."""


class Constraints(Stored):
    """What a choice must keep to; None and empty ask for nothing.

    Attributes:
        max_latency_ms: The median time of one segment at most.
        min_uar: The lower bound of UAR at least, on every corpus that the choices are compared on.
        language: The language of the corpora that count, as an ISO 639 code.
        max_size_mb: Megabytes (10⁶ bytes) of weight files at most.
        licenses: The licences to choose from.
        corpora: The corpora that count; empty for all that are labelled.
        device: What the latency belongs to; None for the CPU, or what was timed.
    """

    max_latency_ms: float | None = Field(default=None, gt=0)
    min_uar: float | None = Field(default=None, ge=0, le=1)
    language: str | None = None
    max_size_mb: float | None = Field(default=None, gt=0)
    licenses: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    device: str | None = None


@dataclass(frozen=True)
class Considered:
    """The corpora that count, and why none does, in a sentence, where none does."""

    corpora: tuple[CorpusSummary, ...]
    problem: str | None = None


def considered_corpora(leaderboard: Leaderboard, record: RunRecord, constraints: Constraints) -> Considered:
    """Find the corpora that a choice can rest on: asked for, labelled, and wholly in the language.

    Raises:
        RequestError: A corpus that is asked for is not one of the run's.
    """
    summaries = {corpus.name: corpus for corpus in leaderboard.corpora}
    unknown = [name for name in constraints.corpora if name not in summaries]
    if unknown:
        raise RequestError(f"this run has no corpus {unknown[0]!r}; it has {', '.join(summaries) or 'none'}.")
    wanted = [summary for name, summary in summaries.items() if not constraints.corpora or name in constraints.corpora]
    labelled = [summary for summary in wanted if len(summary.emotion_clips) >= FEWEST_EMOTIONS_TO_RANK]
    if not labelled:
        named = ", ".join(summary.name for summary in wanted) or "no corpus at all"
        return Considered(
            (),
            f"Nothing can be recommended from {named}: without labels of at least two emotions nobody can say who is "
            "right; run on a labelled corpus that is like your audio.",
        )
    if constraints.language is None:
        return Considered(tuple(labelled))
    languages = {corpus.name: corpus_languages(corpus) for corpus in record.corpora}
    spoken = [summary for summary in labelled if languages[summary.name] == {_primary(constraints.language)}]
    if not spoken:
        heard = "; ".join(f"{each.name}: {', '.join(sorted(languages[each.name])) or 'unknown'}" for each in labelled)
        return Considered(
            (),
            f"No labelled corpus of this run is wholly in {constraints.language!r} ({heard}): run on one that is, or "
            "on that part of one, with the option --language of run. What a model's card claims does not count.",
        )
    return Considered(tuple(spoken))


def corpus_languages(corpus: CorpusRecord) -> set[str]:
    """The primary language codes of a corpus's clips; empty where the language of any clip is unknown.

    Examples:
        >>> corpus_languages(CorpusRecord(name="c", source="c", clips=(), available_clips=0))
        set()
    """
    spoken = {clip.language for clip in corpus.clips if clip.clip_hash is not None}
    return set() if None in spoken else {_primary(language) for language in spoken if language is not None}


def why_unfit(leaderboard: Leaderboard, candidate: str, rows: Mapping[str, LeaderboardRow]) -> tuple[str, ...]:
    """Say what speaks against a candidate whatever is asked for.

    Args:
        leaderboard: The run.
        candidate: What tables call it.
        rows: The row that decides on each corpus that counts.
    """
    absent = next((each for each in leaderboard.not_evaluated if each.candidate == candidate), None)
    if absent is not None:
        return (f"it was not evaluated ({absent.status}): {absent.reason}",)
    if not rows:
        return ("it was evaluated on no corpus that counts",)
    unseen = {corpus: row for corpus, row in rows.items() if row.seen != "yes"}
    if not unseen:
        return (f"it was trained on {', '.join(rows)}, so that its scores there say little about other audio",)
    scored = {corpus: row for corpus, row in unseen.items() if row.uar_low is not None}
    if not scored:
        return (f"its evaluation on {', '.join(unseen)} has no scores: {', '.join(next(iter(unseen.values())).flags)}",)
    flagged = (
        sentence.format(corpus=corpus)
        for corpus, row in scored.items()
        for flag, sentence in DISQUALIFYING.items()
        if flag in row.flags
    )
    return (*flagged, *_no_better_than_guessing(leaderboard, scored))


def _no_better_than_guessing(leaderboard: Leaderboard, rows: Mapping[str, LeaderboardRow]) -> Iterator[str]:
    """Say where guessing among the corpus's emotions may be as right, though the flag at-chance is silent.

    The flag gives credit for answers that are none of the corpus's emotions; whoever uses them gains nothing by that.
    """
    emotions = {corpus.name: len(corpus.emotion_clips) for corpus in leaderboard.corpora}
    for corpus, row in rows.items():
        above = above_guessing(row.uar_low, emotions.get(corpus, 0))
        if above is not None and above <= 0 and not set(DISQUALIFYING) & set(row.flags):
            yield (
                f"on {corpus} its UAR may be as low as {row.uar_low:.3g}, and guessing among the {emotions[corpus]} "
                f"emotions there gives {1 / emotions[corpus]:.3g}"
            )


def resource_reasons(
    verification: Verification, latency_ms: float | None, device: str | None, constraints: Constraints
) -> tuple[str, ...]:
    """Say where a candidate is too slow, too large, or not licensed as was asked for; unknown counts as not kept."""
    return tuple(
        reason
        for reason in (
            _too_much(latency_ms, constraints.max_latency_ms, f"its latency on {device or 'any device'}", "ms"),
            _too_much(verification.size_mb, constraints.max_size_mb, "its size", "MB"),
            _not_licensed(verification.license, constraints.licenses),
        )
        if reason is not None
    )


def score_reasons(
    rows: Mapping[str, LeaderboardRow], basis: Sequence[CorpusSummary], constraints: Constraints
) -> tuple[str, ...]:
    """Say where a candidate cannot be compared on the chosen corpora, or may be worse there than was asked for.

    Args:
        rows: By corpus, where it has scores and has not seen it.
        basis: The corpora that the choices are compared on.
        constraints: What was asked for.
    """
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


def _too_much(value: float | None, most: float | None, what: str, unit: str) -> str | None:
    if most is None or (value is not None and value <= most):
        return None
    if value is None:
        return f"{what} is not known; at most {most:g} {unit} was asked for"
    return f"{what} is {value:.4g} {unit}; at most {most:g} {unit} was asked for"


def _not_licensed(found: str | None, licenses: Sequence[str]) -> str | None:
    if not licenses or (found is not None and found.casefold() in {each.casefold() for each in licenses}):
        return None
    asked = " or ".join(licenses)
    return f"it declares no licence; {asked} was asked for" if found is None else f"its licence is {found}, not {asked}"


def _primary(language: str) -> str:
    return language.casefold().replace("_", "-").partition("-")[0]
