"""What `leaderboard.md` says of parts of a corpus: women and men, languages, short clips and long, its speakers."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import RowColumn, candidate_name, evaluated_rows
from benchmark.reporting.numbers import counted, fraction, is_known, with_interval
from benchmark.reporting.tables import Column, markdown_table
from benchmark.results.groups import CandidateGroups, CorpusGroups, GroupSize
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow

_USUAL = frozenset({"sex", "language", "duration"})
_MOST_COLUMNS = 5
_LISTED_GROUPS = 5
_LISTED_NAMES = 8
_WHERE = "`groups.csv`"


def group_sections(leaderboard: Leaderboard) -> list[str]:
    """Write how right the candidates are on parts of the corpora, and how much it matters who speaks.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where nothing can be said of any part.
    """
    blocks: list[str] = []
    for name in dict.fromkeys([*(each.corpus for each in leaderboard.groups), *_with_speakers(leaderboard)]):
        rows = [row for row in evaluated_rows(leaderboard) if row.corpus == name]
        own = [block for each in leaderboard.groups if each.corpus == name for block in _column_section(each, rows)]
        own += _speaker_section([row for row in rows if is_known(row.speaker_tenth)])
        if own:
            blocks += [f"### Parts of {markdown_text(name)}", *own]
    if not blocks:
        return []
    return [
        "## Equally right for everybody?",
        "UAR of parts of a corpus, over the emotions that all compared parts have ten clips of. **Gap**: the best part "
        "less the worst, with its 95 % interval. An interval that begins at 0 says that chance may have made the gap; "
        "of twenty gaps that are none, chance makes about one that does not. All numbers, and the parts that are too "
        f"small: {_WHERE}.",
        *blocks,
    ]


def _with_speakers(leaderboard: Leaderboard) -> list[str]:
    return [row.corpus for row in evaluated_rows(leaderboard) if row.corpus and is_known(row.speaker_tenth)]


def _column_section(groups: CorpusGroups, rows: Sequence[LeaderboardRow]) -> list[str]:
    title = f"**By {markdown_text(groups.column)}**"
    if not groups.candidates:
        # What nobody asked for and no corpus tells is not worth a line.
        if groups.column in _USUAL and not groups.groups and not groups.left_out:
            return []
        return [f"{title}: {markdown_text(groups.problem or 'nothing was scored')}.{_left_out(groups)}"]
    ordered = _ordered(groups.candidates, rows)
    columns = [Column[CandidateGroups]("candidate", lambda one: _name(one.candidate, rows))]
    if len(groups.groups) <= _MOST_COLUMNS:
        columns += [_group_column(place, size) for place, size in enumerate(groups.groups)]
    else:
        columns += [
            Column("best", lambda one: _extreme(one, one.best)),
            Column("worst", lambda one: _extreme(one, one.worst)),
        ]
    columns.append(Column("gap", lambda one: with_interval(one.gap, one.gap_low, one.gap_high)))
    text = f"{title}, over {_emotions(groups)}.{_verdict(groups, rows)}{_left_out(groups)}"
    return [text, markdown_table(ordered, columns)]


def _group_column(place: int, size: GroupSize) -> Column[CandidateGroups]:
    title = f"{markdown_text(size.group)} ({counted(size.clips, 'clip')}, {counted(size.speakers, 'speaker')})"
    return Column(title, lambda one: _score(one, place))


def _score(one: CandidateGroups, place: int) -> str:
    score = one.scores[place]
    return with_interval(score.uar, score.uar_low, score.uar_high)


def _extreme(one: CandidateGroups, group: str | None) -> str:
    place = next((place for place, score in enumerate(one.scores) if score.group == group), None)
    return "" if place is None else f"{markdown_text(one.scores[place].group)} {_score(one, place)}"


def _emotions(groups: CorpusGroups) -> str:
    shown = ", ".join(map(markdown_text, groups.emotions[:_LISTED_NAMES]))
    more = len(groups.emotions) - _LISTED_NAMES
    text = shown + (f" and {more} more" if more > 0 else "")
    if groups.omitted:
        text += (
            f" (not {', '.join(map(markdown_text, groups.omitted[:_LISTED_NAMES]))}: too few clips in one of the parts)"
        )
    return text


def _verdict(groups: CorpusGroups, rows: Sequence[LeaderboardRow]) -> str:
    if len(groups.groups) < 2:  # noqa: PLR2004 - a gap is between two
        return " Only one part is large enough, so that there is nothing to compare."
    beyond = [one for one in groups.candidates if is_known(one.gap_low) and one.gap_low > 0]
    if not beyond:
        return " No gap is beyond chance."
    named = [
        f"{_name(one.candidate, rows)} ({markdown_text(one.best or '')} over {markdown_text(one.worst or '')})"
        for one in _ordered(beyond, rows)[:_LISTED_NAMES]
    ]
    more = len(beyond) - len(named)
    return f" Beyond chance: {', '.join([*named, *([f'and {more} more'] if more else [])])}."


def _left_out(groups: CorpusGroups) -> str:
    text = ""
    if groups.left_out:
        shown = [
            f"{markdown_text(each.group)} ({counted(each.clips, 'clip')}; {markdown_text(each.reason)})"
            for each in groups.left_out[:_LISTED_GROUPS]
        ]
        more = len(groups.left_out) - len(shown) + groups.left_out_more
        text = f" Not scored: {', '.join([*shown, *([f'and {more:,} more'] if more else [])])}."
    if groups.unknown_clips and groups.candidates:
        text += f" Of {counted(groups.unknown_clips, 'clip')} nobody knows it."
    return text


def _speaker_section(rows: Sequence[LeaderboardRow]) -> list[str]:
    if not rows:
        return []
    measure = "UAR" if rows[0].speaker_measure == "uar" else "share of right answers"
    columns = [
        RowColumn("candidate", candidate_name),
        RowColumn("all speakers", lambda row: fraction(row.uar if measure == "UAR" else row.accuracy), numeric=True),
        RowColumn("unlucky tenth", lambda row: fraction(row.speaker_tenth), numeric=True),
        RowColumn("spread beyond chance", lambda row: fraction(row.speaker_spread), numeric=True),
    ]
    return [
        f"**By speaker**: the {measure} that a tenth of the speakers fall below, and how far speakers differ (one "
        "standard deviation) beyond what the chance of few clips each makes; 0 says that chance explains all.",
        markdown_table(rows, columns),
    ]


def _ordered(candidates: Sequence[CandidateGroups], rows: Sequence[LeaderboardRow]) -> list[CandidateGroups]:
    """In the order of the corpus's rows."""
    places = {row.candidate: place for place, row in reversed(list(enumerate(rows)))}
    return sorted(candidates, key=lambda one: places.get(one.candidate, len(places)))


def _name(candidate: str, rows: Sequence[LeaderboardRow]) -> str:
    row = next((row for row in rows if row.candidate == candidate), None)
    return markdown_text(candidate) if row is None else candidate_name(row)
