"""What `leaderboard.md` says emotion by emotion: how right, what is taken for what, how well one of them is found."""

from collections.abc import Callable, Mapping, Sequence

from benchmark.reporting.csv_and_json import csv_table
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import RowColumn, candidate_name, evaluated_rows
from benchmark.reporting.markdown import Column, bullets, markdown_table
from benchmark.reporting.numbers import counted, fraction, is_known, quantity, signed, with_interval
from benchmark.results.analyses import (
    CandidateGroups,
    ClassScores,
    CorpusGroups,
    EmotionScore,
    FocusScore,
    GroupSize,
    Robustness,
)
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.scoring.flags import Flag


def emotion_sections(leaderboard: Leaderboard) -> list[str]:
    """Write recall and precision of every emotion, and whom the first candidate of each corpus takes for whom.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where nothing was scored.
    """
    if not leaderboard.classes:
        return []
    blocks = [
        "## Emotion by emotion",
        "Recall / precision: the share of an emotion's clips that get its name, and the share of the clips with that "
        "name that have the emotion. `leaderboard.json` has all confusion matrices, under `classes`.",
    ]
    for corpus in dict.fromkeys(scores.corpus for scores in leaderboard.classes):
        own = _ordered([scores for scores in leaderboard.classes if scores.corpus == corpus], leaderboard.rows)
        blocks += [f"### On {markdown_text(corpus)}", _recall_table(own, leaderboard.rows), *_confusion(own[0])]
    return blocks


def focus_sections(leaderboard: Leaderboard) -> list[str]:
    """Write how well each candidate finds the emotions that the user asked for.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where nobody asked.
    """
    blocks: list[str] = []
    for emotion in leaderboard.focused:
        found = [score for score in leaderboard.focus if score.emotion == emotion]
        blocks.append(f"## Looking for {markdown_text(emotion)}")
        if not found:
            blocks.append("No corpus has scored clips both with and without it.")
        for corpus in dict.fromkeys(score.corpus for score in found):
            blocks += _focus_on([score for score in found if score.corpus == corpus])
    return blocks


def _focus_on(scores: Sequence[FocusScore]) -> list[str]:
    first = scores[0]
    ordered = sorted(scores, key=lambda score: (score.average_precision is None, -(score.average_precision or 0.0)))
    columns = [
        Column[FocusScore]("candidate", lambda score: markdown_text(score.candidate)),
        Column[FocusScore](
            "average precision",
            lambda score: with_interval(
                score.average_precision, score.average_precision_low, score.average_precision_high
            ),
        ),
        Column[FocusScore]("AUROC", lambda score: with_interval(score.auroc, score.auroc_low, score.auroc_high)),
        Column[FocusScore]("interval", lambda score: markdown_text(score.interval or "cannot express it")),
    ]
    having = f"{counted(first.clips, 'clip')} {'has' if first.clips == 1 else 'have'} it"
    return [
        f"On {markdown_text(first.corpus)}, where {having}. One who does not listen has an average precision of "
        f"{fraction(first.share)} and an AUROC of 0.50.",
        markdown_table(ordered, columns),
    ]


def _recall_table(scores: Sequence[ClassScores], rows: Sequence[LeaderboardRow]) -> str:
    whole = {row.candidate: row for row in reversed(rows) if row.corpus == scores[0].corpus}
    columns = [
        Column[ClassScores]("candidate", lambda one: markdown_text(one.candidate)),
        *(_emotion_column(place, each.emotion) for place, each in enumerate(scores[0].emotions)),
        Column[ClassScores](
            "weighted F1",
            lambda one: fraction(whole[one.candidate].weighted_f1) if one.candidate in whole else "",
            numeric=True,
        ),
        Column[ClassScores](
            "Brier",
            lambda one: quantity(whole[one.candidate].brier) if one.candidate in whole else "",
            numeric=True,
        ),
    ]
    return markdown_table(scores, columns)


def _emotion_column(place: int, emotion: str) -> Column[ClassScores]:
    return Column(markdown_text(emotion), lambda one: _recall_and_precision(one.emotions[place]))


def _recall_and_precision(score: EmotionScore) -> str:
    precision = fraction(score.precision) if is_known(score.precision) else "–"
    return f"{fraction(score.recall)} / {precision}"


def _confusion(scores: ClassScores) -> list[str]:
    columns = [
        Column[int]("clips of", lambda row: markdown_text(scores.emotions[row].emotion)),
        *(_answer_column(scores, place) for place in range(len(scores.emotions) + 1)),
    ]
    return [
        f"What {markdown_text(scores.candidate)} answers:",
        markdown_table(range(len(scores.emotions)), columns),
    ]


def _answer_column(scores: ClassScores, place: int) -> Column[int]:
    last = place == len(scores.emotions)
    title = "none of these" if last else markdown_text(scores.emotions[place].emotion)
    return Column(title, lambda row: str(scores.confusion[row][place]), numeric=True)


def _ordered(scores: Sequence[ClassScores], rows: Sequence[LeaderboardRow]) -> list[ClassScores]:
    """In the order of the corpus's rows."""
    names = list(dict.fromkeys(row.candidate for row in rows if row.corpus == scores[0].corpus))
    return sorted(scores, key=lambda one: names.index(one.candidate) if one.candidate in names else len(names))


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
    ordered = _groups_ordered(groups.candidates, rows)
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
        for one in _groups_ordered(beyond, rows)[:_LISTED_NAMES]
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


def _groups_ordered(candidates: Sequence[CandidateGroups], rows: Sequence[LeaderboardRow]) -> list[CandidateGroups]:
    """In the order of the corpus's rows."""
    places = {row.candidate: place for place, row in reversed(list(enumerate(rows)))}
    return sorted(candidates, key=lambda one: places.get(one.candidate, len(places)))


def _name(candidate: str, rows: Sequence[LeaderboardRow]) -> str:
    row = next((row for row in rows if row.candidate == candidate), None)
    return markdown_text(candidate) if row is None else candidate_name(row)


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
