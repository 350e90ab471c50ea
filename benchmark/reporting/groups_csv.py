"""`groups.csv`: every candidate on every part of a corpus, and the parts that are too small to be scored."""

from collections.abc import Iterator, Mapping, Sequence

from benchmark.reporting.csv_tables import Cell, csv_table
from benchmark.results.groups import CandidateGroups, CorpusGroups

GROUP_COLUMNS = (
    *("corpus", "column", "group", "candidate", "clips", "speakers", "emotions", "uar", "uar_low", "uar_high"),
    *("interval", "gap", "gap_low", "gap_high", "reason"),
)
"""The columns of `groups.csv`."""


def groups_csv(groups: Sequence[CorpusGroups]) -> str:
    """Write the parts of all corpora as a table.

    Rows without a candidate are parts that were not scored, with the reason; those without a part too say why a whole
    column was not. The gap, that of the best and the worst part, stands in all rows of a candidate and a column.

    Args:
        groups: The corpora, taken apart.

    Returns:
        The text of a CSV file with a heading.
    """
    return csv_table(GROUP_COLUMNS, (row for each in groups for row in _rows(each)))


def _rows(groups: CorpusGroups) -> Iterator[Mapping[str, Cell]]:
    nothing: dict[str, Cell] = dict.fromkeys(GROUP_COLUMNS)
    base = nothing | {"corpus": groups.corpus, "column": groups.column, "emotions": " ".join(groups.emotions) or None}
    for candidate in groups.candidates:
        yield from _scored(groups, candidate, base)
    for left_out in groups.left_out:
        yield base | {"group": left_out.group, "clips": left_out.clips, "emotions": None, "reason": left_out.reason}
    if groups.left_out_more:
        yield base | {"emotions": None, "reason": f"{groups.left_out_more} more groups are not scored and not listed"}
    if groups.unknown_clips:
        yield base | {"clips": groups.unknown_clips, "emotions": None, "reason": "the corpus does not tell of them"}
    if groups.problem:
        yield base | {"emotions": None, "reason": groups.problem}


def _scored(groups: CorpusGroups, candidate: CandidateGroups, base: Mapping[str, Cell]) -> Iterator[Mapping[str, Cell]]:
    for size, score in zip(groups.groups, candidate.scores, strict=True):
        yield {
            **base,
            "group": score.group,
            "candidate": candidate.candidate,
            "clips": size.clips,
            "speakers": size.speakers,
            "uar": score.uar,
            "uar_low": score.uar_low,
            "uar_high": score.uar_high,
            "interval": score.interval,
            "gap": candidate.gap,
            "gap_low": candidate.gap_low,
            "gap_high": candidate.gap_high,
        }
