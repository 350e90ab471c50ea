"""What is told of answers to perturbed audio: a section of `leaderboard.md`, and `robustness.csv`."""

from collections.abc import Callable, Mapping, Sequence

from benchmark.reporting.csv_tables import csv_table
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import candidate_name
from benchmark.reporting.numbers import counted, fraction, is_known, signed
from benchmark.reporting.tables import Column, bullets, markdown_table
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.robustness import Robustness
from benchmark.scoring.flags import Flag

ROBUSTNESS_COLUMNS = tuple(Robustness.model_fields)
"""The columns of `robustness.csv`."""


def robustness_csv(rows: Sequence[Robustness]) -> str:
    """Write robustness as a table, in the order of the leaderboard's JSON.

    Args:
        rows: One per corpus, candidate and perturbation.

    Returns:
        The text of a CSV file with a heading.
    """
    return csv_table(ROBUSTNESS_COLUMNS, (row.model_dump() for row in rows))


def robustness_sections(leaderboard: Leaderboard) -> list[str]:
    """Write which answers survive what was done to the audio.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where nothing was perturbed.
    """
    if not leaderboard.robustness:
        return []
    blocks = [
        "## How robust",
        "The same clips once more, perturbed (`--perturb`); `docs/protocol.md` says exactly how, and `robustness.csv` "
        "has every number. Nothing else in this report knows of these answers.",
    ]
    for corpus in dict.fromkeys(row.corpus for row in leaderboard.robustness):
        blocks += _on_corpus(leaderboard, corpus)
    return blocks


def _on_corpus(leaderboard: Leaderboard, corpus: str) -> list[str]:
    places = {row.candidate: row for row in reversed(leaderboard.rows) if row.corpus == corpus}
    order = list(dict.fromkeys(row.candidate for row in leaderboard.rows if row.corpus == corpus))
    rows = [row for row in leaderboard.robustness if row.corpus == corpus]
    rows.sort(key=lambda row: order.index(row.candidate) if row.candidate in order else len(order))
    heard = [places[name] for name in dict.fromkeys(row.candidate for row in rows) if name in places]
    blocks = [f"### On {markdown_text(corpus)}"]
    if any(is_known(row.unchanged) for row in rows):
        clips = counted(max(row.clips for row in rows), "clip")
        blocks += [f"Share of the {clips} to which the answer stays the same:", _table(rows, _unchanged)]
    if any(is_known(row.uar_loss) for row in rows):
        blocks += [
            f"Loss of UAR: that of the clips as they are less that of the perturbed, in brackets {_interval(rows)}; "
            "**bold** where it excludes 0.",
            _table(rows, _loss),
        ]
    return [*blocks, bullets([*_always_the_same(heard), *_remarks(rows)])]


def _always_the_same(rows: Sequence[LeaderboardRow]) -> list[str]:
    named = [candidate_name(row) for row in rows if row.collapsed or Flag.NARROW in row.flags]
    if not named:
        return []
    verb = "answers" if len(named) == 1 else "answer"
    return [f"{', '.join(named)} {verb} nearly always the same, whatever is heard: that is not robustness."]


def _table(rows: Sequence[Robustness], cell: Callable[[Robustness], str]) -> str:
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        cells.setdefault(row.candidate, {})[row.perturbation] = cell(row)
    names = dict.fromkeys(row.perturbation for row in rows)
    columns = [Column[str]("candidate", markdown_text), *(_column(name, cells) for name in names)]
    return markdown_table(list(cells), columns)


def _column(perturbation: str, cells: Mapping[str, Mapping[str, str]]) -> Column[str]:
    return Column(markdown_text(perturbation), lambda name: cells[name].get(perturbation, ""), numeric=True)


def _unchanged(row: Robustness) -> str:
    return fraction(row.unchanged)


def _loss(row: Robustness) -> str:
    loss, low, high = row.uar_loss, row.uar_loss_low, row.uar_loss_high
    if not is_known(loss):
        return ""
    if not is_known(low) or not is_known(high):
        return signed(loss)
    text = f"{signed(loss)} [{signed(low)}, {signed(high)}]"
    return f"**{text}**" if low > 0 or high < 0 else text


def _interval(rows: Sequence[Robustness]) -> str:
    if any(row.interval == "clips" for row in rows):
        return (
            "the 95 % interval over clips, which is too narrow by what the clips of one speaker share (the speakers "
            "are unknown, too few, or cannot be left out in turn)"
        )
    return "the paired 95 % interval over speakers (Wilson's where nothing changes from one to the next)"


def _remarks(rows: Sequence[Robustness]) -> list[str]:
    """Say what failed, what came as it is, and what cannot be told."""
    remarks = []
    for row in rows:
        who = f"**{markdown_text(row.candidate)}**, {markdown_text(row.perturbation)}"
        if row.problem is not None:
            remarks.append(f"{who}: {markdown_text(row.problem)}")
        elif row.failed_clips:
            failed = f"{row.failed_clips:,} of {counted(row.clips, 'clip')}"
            remarks.append(
                f"{who}: {failed} could not be processed when perturbed; they count as changed and as wrong."
            )
    untouched = {row.perturbation: row.untouched_clips for row in rows if row.untouched_clips}
    for name, clips in untouched.items():
        remarks.append(
            f"{markdown_text(name)} has nothing to remove from {counted(clips, 'clip')}, which came as they are."
        )
    return remarks
