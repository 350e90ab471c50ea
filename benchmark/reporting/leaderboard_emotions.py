"""What `leaderboard.md` says emotion by emotion: how right, what is taken for what, how well one of them is found."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import counted, fraction, is_known, quantity, with_interval
from benchmark.reporting.tables import Column, markdown_table
from benchmark.results.emotion_scores import ClassScores, EmotionScore, FocusScore
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow


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
