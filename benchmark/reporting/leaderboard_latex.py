r"""`leaderboard.tex`: tables for a paper, to be read by `\input` into a document that uses the package booktabs.

For each corpus the leaderboard, the pairs of ranked candidates, and the scores by emotion; then what to cite. All cells
are escaped, so that names from outside are text. Letters of all scripts stay as they are, which needs a font for them.
"""

import re
from collections.abc import Callable, Sequence

from benchmark.reporting.citation import ADVICE, bibtex, citations, corpus_size
from benchmark.reporting.escaping import latex_text
from benchmark.reporting.leaderboard_breakdown import first_rows, in_order
from benchmark.reporting.leaderboard_tables import INTERVALS, is_rebuilt
from benchmark.reporting.markdown import Column, Row
from benchmark.reporting.numbers import counted, fraction, is_known, rank_range, signed
from benchmark.results.analyses import ClassScores, PairComparison, ReportedScore
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import COLUMNS
from benchmark.scoring.flags import FLAG_MEANINGS
from benchmark.scoring.ranking import SIGNIFICANCE, SPEAKERS_TO_CHOOSE, too_few_to_choose

_UNKNOWN = "--"
_MOST_PAIRS = 45
_FEWEST_RANKED = 2
_HEADER = (
    r"% In the preamble: \usepackage{booktabs} and, for pdflatex, \usepackage[T1]{fontenc}.",
    "% Names in scripts that the font lacks need xelatex or lualatex, and another font.",
)
_BOLD = (
    r"Bold: all that may still be the best of the ranked candidates, among which the true best is in at least 95\,\% "
    "of evaluations; these clips do not tell which it is. Ranks are the ranges that the clips allow."
)


def leaderboard_latex(leaderboard: Leaderboard) -> str:
    """Write the tables of a scored run in LaTeX."""
    blocks = ["\n".join(_HEADER)]
    for number, corpus in enumerate(leaderboard.corpora, 1):
        name = re.sub("[^a-z0-9]+", "-", corpus.name.lower()).strip("-")
        label = "-".join(filter(None, ["tab:bench", str(number), name]))
        blocks.append(_score_table(leaderboard, corpus, f"{label}-scores"))
        blocks.append(_pair_table(leaderboard, corpus, f"{label}-pairs"))
        blocks.append(_emotion_table(leaderboard, corpus, f"{label}-emotions"))
    return "\n\n".join(filter(None, [*blocks, _citation(leaderboard)])) + "\n"


def _score_table(leaderboard: Leaderboard, corpus: CorpusSummary, label: str) -> str:
    rows = list(first_rows(leaderboard, corpus.name).values())
    if not any(is_known(row.uar) for row in rows):
        return ""
    if sum(row.rank is not None for row in rows) < _FEWEST_RANKED:
        rows = [row.model_copy(update={"may_be_best": None}) for row in rows]
    reported = [score for score in leaderboard.published or () if score.corpus == corpus.name]
    shared = [flag for flag in rows[0].flags if all(flag in row.flags for row in rows)]
    columns = [*_RANK_AND_NAME, *_score_columns(rows), *_flag_column(rows, shared)]
    known = [_reported_cells(score, columns) for score in reported if score.uar is not None]
    too_few = too_few_to_choose(corpus.speakers)
    caption = [
        f"Scores on {latex_text(corpus.name)} ({corpus_size(corpus)}).{_intervals(rows)}",
        _compared_clips(corpus, rows),
        _BOLD if any(map(_is_bold, rows)) else "Nothing is bold: there are no two ranked candidates to choose from.",
        f"{corpus.speakers} speakers are too few to choose, {SPEAKERS_TO_CHOOSE} are needed." if too_few else "",
        "Below the rule: published figures, not measured here and not ranked." if known else "",
        "No published UAR is known for this corpus with these emotions." if reported and not known else "",
        f"Flags of all rows: {latex_text(', '.join(shared))}." if shared else "",
        *(f"Signature: {_signature(text)}." for text in dict.fromkeys(row.signature for row in rows) if text),
    ]
    lines = [[column.cell(row) for column in columns] for row in rows]
    return "\n".join([_table(columns, [lines, known], caption, label), *_flag_comments(rows)])


def _pair_table(leaderboard: Leaderboard, corpus: CorpusSummary, label: str) -> str:
    pairs = [pair for pair in leaderboard.pairs if pair.corpus == corpus.name]
    if not pairs:
        return ""
    more = len(pairs) - _MOST_PAIRS
    caption = [
        f"Pairs of ranked candidates on {latex_text(corpus.name)}: by how much the UAR of the first is higher, with "
        r"the 95\,\% interval of this pair alone, and $p$ after Holm's correction over all pairs. "
        rf"Bold: $p \leq {SIGNIFICANCE}$.",
        rf"\texttt{{pairs.csv}} has {counted(more, 'more pair')}." if more > 0 else "",
    ]
    lines = [[column.cell(pair) for column in _PAIR_COLUMNS] for pair in pairs[:_MOST_PAIRS]]
    return _table(_PAIR_COLUMNS, [lines], caption, label)


def _emotion_table(leaderboard: Leaderboard, corpus: CorpusSummary, label: str) -> str:
    rows = first_rows(leaderboard, corpus.name)
    scored = in_order((scores for scores in leaderboard.classes if scores.corpus == corpus.name), rows)
    if not scored:
        return ""

    def of_emotion(place: int) -> Callable[[ClassScores], str]:
        return lambda scores: _recall_and_precision(scores, place)

    columns = [
        Column[ClassScores]("Candidate", lambda scores: latex_text(scores.candidate)),
        *(
            Column(latex_text(score.emotion), of_emotion(place), numeric=True)
            for place, score in enumerate(scored[0].emotions)
        ),
    ]
    caption = [
        f"Recall / precision by emotion on {latex_text(corpus.name)}: the share of an emotion's clips that get its "
        "name, and the share of the clips with that name that have the emotion.",
        "Nothing is bold: differences by emotion were not tested.",
    ]
    return _table(columns, [[[column.cell(scores) for column in columns] for scores in scored]], caption, label)


def _table(
    columns: Sequence[Column[Row]], groups: Sequence[Sequence[Sequence[str]]], caption: Sequence[str], label: str
) -> str:
    """A floating table with a rule between groups of lines, each given as its cells."""
    bodies = ["\n".join(rf"{' & '.join(cells)} \\" for cells in lines) for lines in groups if lines]
    return "\n".join(
        [
            r"\begin{table}[tbp]",
            r"\centering\footnotesize",
            rf"\caption{{{' '.join(filter(None, caption))}}}",
            rf"\label{{{label}}}",
            rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in columns)}}}",
            r"\toprule",
            rf"{' & '.join(column.title for column in columns)} \\",
            r"\midrule",
            "\n\\midrule\n".join(bodies),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _citation(leaderboard: Leaderboard) -> str:
    quoted = [
        rf"\item {latex_text(citation.text)}: {', '.join(map(_signature, citation.signatures))}"
        for citation in citations(leaderboard)
    ]
    if not quoted:
        return ""
    entry = [f"% {line}" for line in bibtex(leaderboard).splitlines()]
    return "\n".join([f"% What to cite. {ADVICE}", *entry, r"\begin{itemize}", *quoted, r"\end{itemize}"])


def _intervals(rows: Sequence[LeaderboardRow]) -> str:
    names = [kind.name for name, kind in INTERVALS.items() if any(row.interval == name for row in rows)]
    return f" In brackets: the {latex_text(', or the '.join(names))}." if names else ""


def _score_columns(rows: Sequence[LeaderboardRow]) -> list[Column[LeaderboardRow]]:
    """The scores, each with its interval; those on the compared clips where some are not compared."""

    def cell(field: str) -> Callable[[LeaderboardRow], str]:
        is_ranking = field.removeprefix("compared_") == "uar"

        def written(row: LeaderboardRow) -> str:
            if field == "uar" and row.stopped:
                return latex_text(row.stopped)
            return _bold(_score(getattr(row, field), *COLUMNS[field].ends(row)), is_bold=is_ranking and _is_bold(row))

        return written

    columns = {"uar": "UAR", "compared_uar": "Compared UAR", "accuracy": "Accuracy"}
    columns |= {"compared_accuracy": "Compared accuracy", "macro_f1": "Macro-F1"}
    return [
        Column(title, cell(field), numeric=COLUMNS[field].interval is None)
        for field, title in columns.items()
        if not field.startswith("compared_") or any(is_known(getattr(row, field)) for row in rows)
    ]


def _compared_clips(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> str:
    if not any(is_known(row.compared_uar) for row in rows):
        return ""
    rare = f", without the rare {latex_text(', '.join(corpus.rare_emotions))}" if corpus.rare_emotions else ""
    return f"Compared scores, on which intervals and ranks rest, are of the clips that name a speaker{rare}."


def _flag_column(rows: Sequence[LeaderboardRow], shared: Sequence[str]) -> list[Column[LeaderboardRow]]:
    """A column with the flags that not all rows have; none where there are none."""

    def own(row: LeaderboardRow) -> str:
        return latex_text(", ".join(flag for flag in row.flags if flag not in shared))

    return [Column("Flags", lambda row: own(row) or _UNKNOWN)] if any(map(own, rows)) else []


def _flag_comments(rows: Sequence[LeaderboardRow]) -> list[str]:
    occurring = dict.fromkeys(flag for row in rows for flag in row.flags if flag in FLAG_MEANINGS)
    return [f"% {flag}: {FLAG_MEANINGS[flag]}" for flag in occurring]


def _signature(text: str) -> str:
    return rf"\texttt{{{latex_text(text)}}}".replace("$|$", r"|\allowbreak{}")


def _bold(text: str, *, is_bold: bool) -> str:
    return rf"\textbf{{{text}}}" if is_bold and text != _UNKNOWN else text


def _is_bold(row: LeaderboardRow) -> bool:
    return bool(row.may_be_best)


def _name(row: LeaderboardRow) -> str:
    name = latex_text(row.candidate) + (" (repaired)" if is_rebuilt(row) else "")
    return _bold(name, is_bold=_is_bold(row))


def _score(value: float | None, low: float | None = None, high: float | None = None) -> str:
    if not is_known(value):
        return _UNKNOWN
    if not is_known(low) or not is_known(high):
        return latex_text(fraction(value))
    return rf"{latex_text(fraction(value))} {{\scriptsize [{latex_text(fraction(low))}, {latex_text(fraction(high))}]}}"


def _difference(pair: PairComparison) -> str:
    value, low, high = (
        latex_text(signed(number))
        for number in (pair.uar_difference, pair.uar_difference_low, pair.uar_difference_high)
    )
    return _bold(rf"{value} {{\scriptsize [{low}, {high}]}}", is_bold=pair.p_adjusted <= SIGNIFICANCE)


def _recall_and_precision(scores: ClassScores, place: int) -> str:
    score = scores.emotions[place]
    return f"{_score(score.recall)} / {_score(score.precision)}"


def _reported_cells(score: ReportedScore, columns: Sequence[Column[LeaderboardRow]]) -> list[str]:
    source = latex_text(f"{score.source} (not measured here)")
    cells = {"UAR": _score(score.uar), "Candidate": rf"\parbox[t]{{0.3\linewidth}}{{\raggedright {source}}}"}
    return [cells.get(column.title, _UNKNOWN) for column in columns]


_RANK_AND_NAME = (
    Column[LeaderboardRow]("Rank", lambda row: rank_range(row.rank, row.rank_high).replace("–", "--") or _UNKNOWN),
    Column[LeaderboardRow]("Candidate", _name),
)
_PAIR_COLUMNS = (
    Column[PairComparison]("Candidate", lambda pair: latex_text(pair.candidate)),
    Column[PairComparison]("compared with", lambda pair: latex_text(pair.other)),
    Column[PairComparison]("Difference", _difference),
    Column[PairComparison]("$p$", lambda pair: latex_text(fraction(pair.p_adjusted)), numeric=True),
)
