"""Tables that the page shows of a candidate on a corpus as they are: parts of the corpus, perturbed audio.

Whatever else is measured gets a place in the page by a function here that writes it as a `CandidateTable`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.reporting.numbers import UNKNOWN, counted, fraction, with_interval
from benchmark.results.groups import CandidateGroups, CorpusGroups
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.robustness import Robustness


@dataclass(frozen=True, kw_only=True)
class CandidateTable:
    """A table of one candidate on one corpus, as texts.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        title: What it is about.
        columns: Headings; the first column names the rows.
        rows: Texts, as many as there are columns.
        note: What has to be known to read it.
    """

    candidate: str
    corpus: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def candidate_tables(leaderboard: Leaderboard) -> Iterator[CandidateTable]:
    """Write all that was measured beside scores and latency.

    Args:
        leaderboard: The scored run.
    """
    for groups in leaderboard.groups:
        for scored in groups.candidates:
            yield _of_groups(groups, scored)
    pairs = dict.fromkeys((each.candidate, each.corpus) for each in leaderboard.robustness)
    for candidate, corpus in pairs:
        own = [each for each in leaderboard.robustness if (each.candidate, each.corpus) == (candidate, corpus)]
        yield _of_perturbations(candidate, corpus, own)


def _of_groups(groups: CorpusGroups, scored: CandidateGroups) -> CandidateTable:
    sizes = {each.group: each for each in groups.groups}
    gap = ""
    if scored.gap is not None:
        gap = f" The gap between {scored.best} and {scored.worst} is "
        gap += f"{with_interval(scored.gap, scored.gap_low, scored.gap_high)}."
    return CandidateTable(
        candidate=scored.candidate,
        corpus=groups.corpus,
        title=f"By {groups.column}",
        columns=(groups.column, "clips", "speakers", "UAR"),
        rows=tuple(
            (
                each.group,
                f"{sizes[each.group].clips:,}" if each.group in sizes else UNKNOWN,
                f"{sizes[each.group].speakers:,}" if each.group in sizes else UNKNOWN,
                with_interval(each.uar, each.uar_low, each.uar_high),
            )
            for each in scored.scores
        ),
        note=f"Over {counted(len(groups.emotions), 'emotion')} that all of these parts have.{gap}",
    )


def _of_perturbations(candidate: str, corpus: str, rows: list[Robustness]) -> CandidateTable:
    return CandidateTable(
        candidate=candidate,
        corpus=corpus,
        title="When the audio is worse",
        columns=("what was done", "same answer", "UAR then", "UAR lost"),
        rows=tuple(
            (
                each.perturbation,
                fraction(each.unchanged) or UNKNOWN,
                fraction(each.perturbed_uar) or UNKNOWN,
                with_interval(each.uar_loss, each.uar_loss_low, each.uar_loss_high) or UNKNOWN,
            )
            for each in rows
        ),
        note=" ".join(dict.fromkeys(each.problem for each in rows if each.problem)),
    )
