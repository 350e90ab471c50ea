"""Sections of `leaderboard.md` that take scores apart: by emotion, group of clips, speaker, and perturbation."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import RowColumn, candidate_name, declared_column, evaluated_rows
from benchmark.reporting.markdown import Column, bullets, markdown_table
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, is_known, signed, with_interval
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

# Groups that are formed without being asked for, and are not mentioned where the corpus says nothing of them.
_DEFAULT_GROUPS = frozenset({"sex", "language", "duration"})
_MOST_GROUP_COLUMNS = 5
_MOST_UNSCORED_GROUPS = 5
_MOST_NAMES = 8


def emotion_sections(leaderboard: Leaderboard) -> list[str]:
    """Write recall and precision of every emotion, and the confusion matrix of the first candidate of each corpus."""
    if not leaderboard.classes:
        return []
    blocks = [
        "## Emotion by emotion",
        "Recall / precision: the share of an emotion's clips that get its name, and the share of the clips with that "
        "name that have the emotion. `leaderboard.json` has all confusion matrices, under `classes`.",
    ]
    for corpus in dict.fromkeys(scores.corpus for scores in leaderboard.classes):
        rows = [row for row in leaderboard.rows if row.corpus == corpus]
        scored = sorted((scores for scores in leaderboard.classes if scores.corpus == corpus), key=_position(rows))
        blocks += [f"### On {markdown_text(corpus)}", _recall_table(scored, rows), *_confusion(scored[0])]
    return blocks


def focus_sections(leaderboard: Leaderboard) -> list[str]:
    """Write how well each candidate finds the emotions that the user asked for; no blocks without `--focus`."""
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
    """Write how right the candidates are on parts of the corpora, and how much it matters who speaks."""
    rows = evaluated_rows(leaderboard)
    with_speakers = [row.corpus for row in rows if row.corpus and is_known(row.speaker_tenth)]
    blocks: list[str] = []
    for corpus in dict.fromkeys([*(groups.corpus for groups in leaderboard.groups), *with_speakers]):
        corpus_rows = [row for row in rows if row.corpus == corpus]
        parts = [_group_blocks(groups, corpus_rows) for groups in leaderboard.groups if groups.corpus == corpus]
        parts.append(_speaker_blocks([row for row in corpus_rows if is_known(row.speaker_tenth)]))
        if any(parts):
            blocks += [f"### Parts of {markdown_text(corpus)}", *(block for part in parts for block in part)]
    if not blocks:
        return []
    return [
        "## Equally right for everybody?",
        "UAR of parts of a corpus, over the emotions that all compared parts have ten clips of. **Gap**: the best part "
        "less the worst, with its 95 % interval. An interval that begins at 0 says that chance may have made the gap; "
        "of twenty gaps that are none, chance makes about one that does not. All numbers, and the parts that are too "
        "small: `groups.csv`.",
        *blocks,
    ]


def robustness_sections(leaderboard: Leaderboard) -> list[str]:
    """Write which answers survive perturbed audio; no blocks without `--perturb`."""
    if not leaderboard.robustness:
        return []
    blocks = [
        "## How robust",
        "The same clips once more, perturbed (`--perturb`); `docs/protocol.md` says exactly how, and `robustness.csv` "
        "has every number. Nothing else in this report knows of these answers.",
    ]
    for corpus in dict.fromkeys(row.corpus for row in leaderboard.robustness):
        rows = [row for row in leaderboard.rows if row.corpus == corpus]
        perturbed = sorted((row for row in leaderboard.robustness if row.corpus == corpus), key=_position(rows))
        blocks += [f"### On {markdown_text(corpus)}", *_perturbed_blocks(perturbed, rows)]
    return blocks


def _position(rows: Sequence[LeaderboardRow]) -> Callable[[Any], int]:
    """Sort results of candidates as the rows of their corpus; candidates without a row come last."""
    order = {name: number for number, name in enumerate(dict.fromkeys(row.candidate for row in rows))}
    return lambda result: order.get(result.candidate, len(order))


def _first_rows(rows: Sequence[LeaderboardRow]) -> dict[str, LeaderboardRow]:
    return {row.candidate: row for row in reversed(rows)}


def _recall_table(scored: Sequence[ClassScores], rows: Sequence[LeaderboardRow]) -> str:
    row_of = _first_rows(rows)

    def from_row(field: str) -> Column[ClassScores]:
        column = declared_column(field)
        return Column(
            column.title,
            lambda scores: column.cell(row_of[scores.candidate]) if scores.candidate in row_of else "",
            column.numeric,
        )

    def emotion_column(index: int, emotion: str) -> Column[ClassScores]:
        return Column(markdown_text(emotion), lambda scores: _recall_and_precision(scores.emotions[index]))

    columns = [
        Column[ClassScores]("candidate", lambda scores: markdown_text(scores.candidate)),
        *(emotion_column(index, score.emotion) for index, score in enumerate(scored[0].emotions)),
        from_row("weighted_f1"),
        from_row("brier"),
    ]
    return markdown_table(scored, columns)


def _recall_and_precision(score: EmotionScore) -> str:
    return f"{fraction(score.recall)} / {fraction(score.precision) or UNKNOWN}"


def _confusion(scores: ClassScores) -> list[str]:
    def answer_column(index: int, title: str) -> Column[int]:
        return Column(title, lambda truth: str(scores.confusion[truth][index]), numeric=True)

    emotions = [markdown_text(score.emotion) for score in scores.emotions]
    columns = [
        Column[int]("clips of", lambda truth: emotions[truth]),
        *(answer_column(index, title) for index, title in enumerate([*emotions, "none of these"])),
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


def _group_blocks(groups: CorpusGroups, rows: Sequence[LeaderboardRow]) -> list[str]:
    title = f"**By {markdown_text(groups.column)}**"
    if not groups.candidates:
        if groups.column in _DEFAULT_GROUPS and not groups.groups and not groups.left_out:
            return []
        return [f"{title}: {markdown_text(groups.problem or 'nothing was scored')}.{_unscored_groups(groups)}"]
    names = {name: candidate_name(row) for name, row in _first_rows(rows).items()}
    ordered = sorted(groups.candidates, key=_position(rows))
    columns = [
        Column[CandidateGroups](
            "candidate", lambda scored: names.get(scored.candidate, markdown_text(scored.candidate))
        ),
        *_group_columns(groups),
        Column[CandidateGroups]("gap", lambda scored: with_interval(scored.gap, scored.gap_low, scored.gap_high)),
    ]
    text = f"{title}, over {_compared_emotions(groups)}.{_gaps(groups, ordered, names)}{_unscored_groups(groups)}"
    return [text, markdown_table(ordered, columns)]


def _group_columns(groups: CorpusGroups) -> list[Column[CandidateGroups]]:
    """A column for each group, or only the best and the worst where there are many."""
    uar = {
        (scored.candidate, score.group): with_interval(score.uar, score.uar_low, score.uar_high)
        for scored in groups.candidates
        for score in scored.scores
    }

    def group_column(size: GroupSize) -> Column[CandidateGroups]:
        title = f"{markdown_text(size.group)} ({counted(size.clips, 'clip')}, {counted(size.speakers, 'speaker')})"
        return Column(title, lambda scored: uar.get((scored.candidate, size.group), ""))

    def named_score(scored: CandidateGroups, group: str | None) -> str:
        return "" if group is None else f"{markdown_text(group)} {uar[scored.candidate, group]}"

    if len(groups.groups) <= _MOST_GROUP_COLUMNS:
        return [group_column(size) for size in groups.groups]
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


def _gaps(groups: CorpusGroups, ordered: Sequence[CandidateGroups], names: dict[str, str]) -> str:
    if len(groups.groups) < 2:  # noqa: PLR2004 - a gap is between two
        return " Only one part is large enough, so that there is nothing to compare."
    beyond_chance = [scored for scored in ordered if is_known(scored.gap_low) and scored.gap_low > 0]
    if not beyond_chance:
        return " No gap is beyond chance."
    listed = [
        f"{names.get(scored.candidate, markdown_text(scored.candidate))} "
        f"({markdown_text(scored.best or '')} over {markdown_text(scored.worst or '')})"
        for scored in beyond_chance[:_MOST_NAMES]
    ]
    if len(beyond_chance) > _MOST_NAMES:
        listed.append(f"and {len(beyond_chance) - _MOST_NAMES} more")
    return f" Beyond chance: {', '.join(listed)}."


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
    if not rows:
        return []
    field, measure = ("uar", "UAR") if rows[0].speaker_measure == "uar" else ("accuracy", "share of right answers")
    columns = [
        declared_column("candidate"),
        RowColumn("all speakers", lambda row: fraction(getattr(row, field)), numeric=True),
        declared_column("speaker_tenth"),
        declared_column("speaker_spread"),
    ]
    return [
        f"**By speaker**: the {measure} that a tenth of the speakers fall below, and how far speakers differ (one "
        "standard deviation) beyond what the chance of few clips each makes; 0 says that chance explains all.",
        markdown_table(rows, columns),
    ]


def _perturbed_blocks(perturbed: Sequence[Robustness], rows: Sequence[LeaderboardRow]) -> list[str]:
    blocks = []
    if any(is_known(result.unchanged) for result in perturbed):
        clips = counted(max(result.clips for result in perturbed), "clip")
        blocks += [
            f"Share of the {clips} to which the answer stays the same:",
            _perturbation_table(perturbed, lambda result: fraction(result.unchanged)),
        ]
    if any(is_known(result.uar_loss) for result in perturbed):
        blocks += [
            f"Loss of UAR: that of the clips as they are less that of the perturbed, in brackets "
            f"{_loss_interval(perturbed)}; **bold** where it excludes 0.",
            _perturbation_table(perturbed, _uar_loss),
        ]
    row_of = _first_rows(rows)
    tested = [row_of[name] for name in dict.fromkeys(map(attrgetter("candidate"), perturbed)) if name in row_of]
    constant = [candidate_name(row) for row in tested if row.collapsed or Flag.NARROW in row.flags]
    remarks = _perturbation_remarks(perturbed)
    if constant:
        verb = "answers" if len(constant) == 1 else "answer"
        remarks.insert(
            0, f"{', '.join(constant)} {verb} nearly always the same, whatever is heard: that is not robustness."
        )
    return [*blocks, bullets(remarks)]


def _perturbation_table(perturbed: Sequence[Robustness], write: Callable[[Robustness], str]) -> str:
    cells = {(result.candidate, result.perturbation): write(result) for result in perturbed}

    def column(perturbation: str) -> Column[str]:
        return Column(
            markdown_text(perturbation), lambda candidate: cells.get((candidate, perturbation), ""), numeric=True
        )

    perturbations = dict.fromkeys(result.perturbation for result in perturbed)
    columns = [Column[str]("candidate", markdown_text), *map(column, perturbations)]
    return markdown_table(list(dict.fromkeys(result.candidate for result in perturbed)), columns)


def _uar_loss(result: Robustness) -> str:
    loss, low, high = result.uar_loss, result.uar_loss_low, result.uar_loss_high
    if not is_known(loss):
        return ""
    if not is_known(low) or not is_known(high):
        return signed(loss)
    text = f"{signed(loss)} [{signed(low)}, {signed(high)}]"
    return f"**{text}**" if low > 0 or high < 0 else text


def _loss_interval(perturbed: Sequence[Robustness]) -> str:
    if any(result.interval == "clips" for result in perturbed):
        return (
            "the 95 % interval over clips, which is too narrow by what the clips of one speaker share (the speakers "
            "are unknown, too few, or cannot be left out in turn)"
        )
    return "the paired 95 % interval over speakers (Wilson's where nothing changes from one to the next)"


def _perturbation_remarks(perturbed: Sequence[Robustness]) -> list[str]:
    """Name failures, and perturbations that left clips as they are."""
    remarks = []
    for result in perturbed:
        subject = f"**{markdown_text(result.candidate)}**, {markdown_text(result.perturbation)}"
        if result.problem is not None:
            remarks.append(f"{subject}: {markdown_text(result.problem)}")
        elif result.failed_clips:
            remarks.append(
                f"{subject}: {result.failed_clips:,} of {counted(result.clips, 'clip')} could not be processed when "
                "perturbed; they count as changed and as wrong."
            )
    untouched = {result.perturbation: result.untouched_clips for result in perturbed if result.untouched_clips}
    for name, clips in untouched.items():
        remarks.append(
            f"{markdown_text(name)} has nothing to remove from {counted(clips, 'clip')}, which came as they are."
        )
    return remarks
