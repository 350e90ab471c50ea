"""Sections of `leaderboard.md` that take scores apart: by pair, emotion, group of clips and speaker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import RowColumn, candidate_name, declared_column
from benchmark.reporting.markdown import Column, columns_of, first_of, joined, markdown_table, section
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, is_known, signed, with_interval
from benchmark.results.analyses import (
    CandidateGroups,
    ClassScores,
    CorpusGroups,
    FocusScore,
    GroupSize,
    PairComparison,
    Robustness,
)
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow

# Columns that are always compared, and not mentioned if the corpus does not have them.
_DEFAULT_GROUPS = frozenset({"sex", "language", "duration"})
_MOST_GROUP_COLUMNS = 5
_MOST_UNSCORED_GROUPS = 5
_MOST_NAMES = 8
_MOST_PAIRS = 45
Result = TypeVar("Result", CandidateGroups, ClassScores, Robustness)
Rows = Mapping[str, LeaderboardRow]
"""The first row of each candidate on a corpus, in the order of the ranking."""


def pair_sections(leaderboard: Leaderboard) -> list[str]:
    """Write the differences between ranked candidates, pair by pair; no blocks if no two are ranked on a corpus."""
    blocks: list[str] = []
    for corpus in leaderboard.corpora:
        pairs = [pair for pair in leaderboard.pairs if pair.corpus == corpus.name]
        if pairs:
            more = len(pairs) - _MOST_PAIRS
            blocks += [
                f"### Pairs on {markdown_text(corpus.name)}",
                markdown_table(pairs[:_MOST_PAIRS], _PAIR_COLUMNS),
                f"`pairs.csv` has {counted(more, 'more pair')}." if more > 0 else "",
            ]
    return section(
        "## Pair by pair",
        "How much higher the UAR of the first is, with the 95 % interval of this pair alone, and p after Holm's "
        "correction over all pairs of the corpus; ranges of ranks count pairs with p ≤ 0.05.",
        joined(blocks),
    )


def emotion_sections(leaderboard: Leaderboard) -> list[str]:
    """Write recall and precision of every emotion, and the confusion matrix of the first candidate of each corpus."""
    blocks: list[str] = []
    for corpus in leaderboard.corpora:
        rows = first_rows(leaderboard, corpus.name)
        scored = in_order((scores for scores in leaderboard.classes if scores.corpus == corpus.name), rows)
        if scored:
            blocks += [f"### On {markdown_text(corpus.name)}", _recall_table(scored, rows), *_confusion(scored[0])]
    return section(
        "## Emotion by emotion",
        "Recall / precision: the share of an emotion's clips that get its name, and the share of the clips with that "
        "name that have the emotion. `leaderboard.json` has all confusion matrices, under `classes`.",
        joined(blocks),
    )


def focus_sections(leaderboard: Leaderboard) -> list[str]:
    """Write how well each candidate finds the emotions of `--focus`; no blocks without it."""
    blocks: list[str] = []
    for emotion in leaderboard.focused:
        scores = [score for score in leaderboard.focus if score.emotion == emotion]
        blocks.append(f"## Looking for {markdown_text(emotion)}")
        if not scores:
            blocks.append("No corpus has scored clips both with and without it.")
        for corpus in dict.fromkeys(score.corpus for score in scores):
            blocks += _focus_on_corpus([score for score in scores if score.corpus == corpus])
    return blocks


def group_sections(leaderboard: Leaderboard) -> list[str]:
    """Write how right the candidates are on parts of the corpora, and how much speakers differ."""
    blocks: list[str] = []
    for corpus in leaderboard.corpora:
        rows = first_rows(leaderboard, corpus.name)
        parts = [
            block
            for groups in leaderboard.groups
            if groups.corpus == corpus.name
            for block in _group_blocks(groups, rows)
        ]
        parts += _speaker_blocks([row for row in leaderboard.rows if row.corpus == corpus.name])
        if parts:
            blocks += [f"### Parts of {markdown_text(corpus.name)}", *parts]
    return section(
        "## Equally right for everybody?",
        "UAR of parts of a corpus, over the emotions that all compared parts have ten clips of. **Gap**: the best part "
        "less the worst, with its 95 % interval. An interval that begins at 0 says that chance may have made the gap; "
        "of twenty gaps that are none, chance makes about one that does not. All numbers, and the parts that are too "
        "small: `groups.csv`.",
        joined(blocks),
    )


def _pair_difference(pair: PairComparison) -> str:
    low, high = signed(pair.uar_difference_low), signed(pair.uar_difference_high)
    return f"{signed(pair.uar_difference)} [{low} to {high}]"


_PAIR_COLUMNS = (
    Column[PairComparison]("candidate", lambda pair: markdown_text(pair.candidate)),
    Column[PairComparison]("compared with", lambda pair: markdown_text(pair.other)),
    Column[PairComparison]("difference", _pair_difference),
    Column[PairComparison]("adjusted p", lambda pair: fraction(pair.p_adjusted), numeric=True),
)


def first_rows(leaderboard: Leaderboard, corpus: str) -> Rows:
    """The first row of each candidate on a corpus."""
    rows: dict[str, LeaderboardRow] = {}
    for row in leaderboard.rows:
        if row.corpus == corpus:
            rows.setdefault(row.candidate, row)
    return rows


def in_order(results: Iterable[Result], rows: Rows) -> list[Result]:
    """Sort results of candidates as the rows of their corpus; candidates without a row come last."""
    order = {name: number for number, name in enumerate(rows)}
    return sorted(results, key=lambda result: order.get(result.candidate, len(order)))


def _recall_table(scored: Sequence[ClassScores], rows: Rows) -> str:
    def recall_and_precision(scores: ClassScores, index: int) -> str:
        score = scores.emotions[index]
        return f"{fraction(score.recall)} / {fraction(score.precision) or UNKNOWN}"

    def from_row(field: str) -> Column[ClassScores]:
        column = declared_column(field)
        return Column(column.title, lambda scores: column.cell(rows[scores.candidate]), column.numeric)

    emotions = [markdown_text(score.emotion) for score in scored[0].emotions]
    columns = [
        Column[ClassScores]("candidate", lambda scores: markdown_text(scores.candidate)),
        *columns_of(dict(enumerate(emotions)), recall_and_precision),
        from_row("weighted_f1"),
        from_row("brier"),
    ]
    return markdown_table(scored, columns)


def _confusion(scores: ClassScores) -> list[str]:
    def clips(truth: int, answer: int) -> str:
        return str(scores.confusion[truth][answer])

    emotions = [markdown_text(score.emotion) for score in scores.emotions]
    columns = [
        Column[int]("clips of", lambda truth: emotions[truth]),
        *columns_of(dict(enumerate([*emotions, "none of these"])), clips, numeric=True),
    ]
    return [f"What {markdown_text(scores.candidate)} answers:", markdown_table(range(len(emotions)), columns)]


def _focus_on_corpus(scores: Sequence[FocusScore]) -> list[str]:
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


def _group_blocks(groups: CorpusGroups, rows: Rows) -> list[str]:
    title = f"**By {markdown_text(groups.column)}**"
    if not groups.candidates:
        if groups.column in _DEFAULT_GROUPS and not groups.groups and not groups.left_out:
            return []
        return [f"{title}: {markdown_text(groups.problem or 'nothing was scored')}.{_unscored_groups(groups)}"]
    ordered = in_order(groups.candidates, rows)
    columns = [
        Column[CandidateGroups]("candidate", lambda scored: candidate_name(rows[scored.candidate])),
        *_group_columns(groups),
        Column[CandidateGroups]("gap", lambda scored: with_interval(scored.gap, scored.gap_low, scored.gap_high)),
    ]
    text = f"{title}, over {_compared_emotions(groups)}.{_gaps(groups, ordered, rows)}{_unscored_groups(groups)}"
    return [text, markdown_table(ordered, columns)]


def _group_columns(groups: CorpusGroups) -> list[Column[CandidateGroups]]:
    """A column for each group; for many groups, one for the best and one for the worst."""
    uar = {
        (scored.candidate, score.group): with_interval(score.uar, score.uar_low, score.uar_high)
        for scored in groups.candidates
        for score in scored.scores
    }

    def title(size: GroupSize) -> str:
        return f"{markdown_text(size.group)} ({counted(size.clips, 'clip')}, {counted(size.speakers, 'speaker')})"

    def named_score(scored: CandidateGroups, group: str | None) -> str:
        return "" if group is None else f"{markdown_text(group)} {uar[scored.candidate, group]}"

    if len(groups.groups) <= _MOST_GROUP_COLUMNS:
        titles = {size.group: title(size) for size in groups.groups}
        return columns_of(titles, lambda scored, group: uar[scored.candidate, group])
    return [
        Column("best", lambda scored: named_score(scored, scored.best)),
        Column("worst", lambda scored: named_score(scored, scored.worst)),
    ]


def _compared_emotions(groups: CorpusGroups) -> str:
    text = ", ".join(map(markdown_text, groups.emotions[:_MOST_NAMES]))
    more = len(groups.emotions) - _MOST_NAMES
    if more > 0:
        text += f" and {more} more"
    if groups.omitted:
        omitted = ", ".join(map(markdown_text, groups.omitted[:_MOST_NAMES]))
        text += f" (not {omitted}: too few clips in one of the parts)"
    return text


def _gaps(groups: CorpusGroups, ordered: Sequence[CandidateGroups], rows: Rows) -> str:
    if len(groups.groups) < 2:  # noqa: PLR2004 - a gap is between two
        return " Only one part is large enough, so that there is nothing to compare."
    beyond_chance = [
        f"{candidate_name(rows[scored.candidate])} ({markdown_text(scored.best or '')} over "
        f"{markdown_text(scored.worst or '')})"
        for scored in ordered
        if is_known(scored.gap_low) and scored.gap_low > 0
    ]
    if not beyond_chance:
        return " No gap is beyond chance."
    return f" Beyond chance: {', '.join(first_of(beyond_chance, _MOST_NAMES, rest='and {} more'))}."


def _unscored_groups(groups: CorpusGroups) -> str:
    text = ""
    if groups.left_out:
        listed = [
            f"{markdown_text(group.group)} ({counted(group.clips, 'clip')}; {markdown_text(group.reason)})"
            for group in groups.left_out[:_MOST_UNSCORED_GROUPS]
        ]
        more = len(groups.left_out) - len(listed) + groups.left_out_more
        if more:
            listed.append(f"and {more:,} more")
        text = f" Not scored: {', '.join(listed)}."
    if groups.unknown_clips and groups.candidates:
        text += f" Of {counted(groups.unknown_clips, 'clip')} nobody knows it."
    return text


def _speaker_blocks(rows: Sequence[LeaderboardRow]) -> list[str]:
    known = [row for row in rows if is_known(row.speaker_tenth)]
    if not known:
        return []
    field, measure = ("uar", "UAR") if known[0].speaker_measure == "uar" else ("accuracy", "share of right answers")
    columns = [
        declared_column("candidate"),
        RowColumn("all speakers", lambda row: fraction(getattr(row, field)), numeric=True),
        declared_column("speaker_tenth"),
        declared_column("speaker_spread"),
    ]
    return [
        f"**By speaker**: the {measure} that a tenth of the speakers fall below, and how far speakers differ (one "
        "standard deviation) beyond what the chance of few clips each makes; 0 says that chance explains all.",
        markdown_table(known, columns),
    ]
