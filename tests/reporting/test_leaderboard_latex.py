import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker

from benchmark.reporting.escaping import latex_text, plain_text
from benchmark.reporting.leaderboard_latex import leaderboard_latex
from benchmark.results.analyses import ClassScores, EmotionScore, PairComparison
from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.published import with_published
from tests.reporting.conftest import HOSTILE, board, described, scored

SIGNATURE = "bench:0.1.0|uar|open|K8|spk24|jk-t|seed0|merge:a_b=c|clips:9f3a61c2"
_DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


def emotion(name: str, recall: float, precision: float | None) -> EmotionScore:
    return EmotionScore(emotion=name, clips=192, answered=100, precision=precision, recall=recall, f1=0.4)


def compared(first: str, second: str, p: float) -> PairComparison:
    return PairComparison(
        corpus="ravdess", candidate=first, other=second, uar_difference=0.02, uar_difference_low=-0.01,
        uar_difference_high=0.05, p=p, p_adjusted=p,
    )  # fmt: skip


def paper(first: str = "org/first_50%", second: str = "Zärtlich & Söhne") -> Leaderboard:
    """Three ranked candidates, two of which may be the best, and one that has seen the corpus."""
    rows = (
        scored(first, uar=0.61, may_be_best=True, rank=1, rank_high=2, signature=SIGNATURE),
        scored(second, uar=0.59, may_be_best=True, rank=1, rank_high=2, signature=SIGNATURE),
        scored("org/third", uar=0.2, may_be_best=False, rank=3, rank_high=3, signature=SIGNATURE),
        scored("org/seen", uar=0.99, rank=None, seen="yes", flags=("seen",), signature=SIGNATURE),
        scored(first, uar=0.61, device="cuda", signature=SIGNATURE),
    )
    classes = ClassScores(
        candidate=first,
        corpus="ravdess",
        emotions=(emotion("anger", 0.5, None), emotion("fear", 1.0, 0.25)),
        confusion=((96, 0, 96), (0, 192, 0)),
    )
    pairs = (compared(first, second, 0.4), compared(first, "org/third", 0.0001))
    return with_published(board(*rows, classes=(classes,), pairs=pairs))


def tables(document: str) -> dict[str, list[list[str]]]:
    """The cells of all tables in words, by the end of their labels; `bold:` stands before bold ones."""
    nodes, _, _ = LatexWalker(document, tolerant_parsing=False).get_latex_nodes()
    found = {}
    for node in nodes:
        if isinstance(node, LatexEnvironmentNode) and node.environmentname == "table":
            source = node.latex_verbatim()
            (label,) = re.findall(r"\\label\{[^}]*-(\w+)\}", source)
            body = re.sub(r"\\(top|mid|bottom)rule", "", source.partition("tabular}")[2].partition(r"\end{tabular}")[0])
            _, _, lines = body.partition("}")
            found[label] = [
                [cell_of(cell) for cell in re.split(r"(?<!\\)&", line)]
                for line in lines.split("\\\\\n")
                if line.strip()
            ]
    return found


def cell_of(source: str) -> str:
    text = " ".join(LatexNodes2Text().latex_to_text(source.replace(r"\scriptsize", "")).split())
    return f"bold:{text}" if r"\textbf" in source else text


def test_the_tables_have_scores_pairs_and_emotions_with_intervals_and_bold_for_all_that_may_be_best() -> None:
    found = tables(leaderboard_latex(paper()))
    assert list(found) == ["scores", "pairs", "emotions"]
    headings, *rows = found["scores"]
    assert headings == ["Rank", "Candidate", "UAR", "Accuracy", "Macro-F1", "Flags"]
    assert [row[:3] for row in rows[:4]] == [
        ["1–2", "bold:org/first_50%", "bold:0.61 [0.39, 0.49]"],
        ["1–2", "bold:Zärtlich & Söhne", "bold:0.59 [0.39, 0.49]"],
        ["3", "org/third", "0.20 [0.39, 0.49]"],
        ["–", "org/seen", "0.99 [0.39, 0.49]"],
    ]
    assert found["pairs"][1:] == [
        ["org/first_50%", "Zärtlich & Söhne", "0.02 [-0.01, 0.05]", "0.40"],
        ["org/first_50%", "org/third", "bold:0.02 [-0.01, 0.05]", "<0.001"],
    ]
    assert found["emotions"] == [["Candidate", "anger", "fear"], ["org/first_50%", "0.50 / –", "1.00 / 0.25"]]


def test_the_caption_explains_bold_and_gives_the_signature_and_published_figures_stand_below_a_rule() -> None:
    document = leaderboard_latex(paper())
    plain = document.replace(r"\texttt", "").replace(r"\allowbreak{}", "")  # pylatexenc does not know these
    words = " ".join(LatexNodes2Text().latex_to_text(plain).split())
    assert "Bold: all that may still be the best of the ranked candidates" in words
    assert f"Signature: {SIGNATURE}." in words
    assert "In brackets: the 95 % interval over speakers." in words
    published = tables(document)["scores"][-1]
    assert published[0] == "–"
    assert "EmoBox" in published[1]
    assert published[1].endswith("(not measured here)")
    assert published[2:4] == ["0.75", "–"]
    assert "What to cite" in document
    assert "% @software{bench," in document


def test_whatever_a_corpus_is_called_is_text(hostile: str) -> None:
    row = scored("a", corpus=hostile, signature=SIGNATURE)
    classes = ClassScores(candidate="a", corpus=hostile, emotions=(emotion("anger", 0.5, 0.5),), confusion=((1, 1),))
    document = leaderboard_latex(board(row, corpora=(described(hostile),), classes=(classes,)))
    assert list(tables(document)) == ["scores", "emotions"]
    (label, _) = re.findall(r"\\label\{([^}]*)\}", document)
    assert re.fullmatch(r"tab:bench-1(-[a-z0-9]+)*-scores", label)
    words = LatexNodes2Text().latex_to_text(document)
    assert without_ligatures(plain_text(hostile).replace('"', "''")) in without_ligatures(" ".join(words.split()))


def test_an_interval_stands_beside_the_score_that_it_is_around() -> None:
    row = scored("a", uar=0.5, compared_uar=0.62, uar_low=0.55, uar_high=0.7, accuracy=0.4, compared_accuracy=0.45)
    corpus = described(rare_emotions=("surprise",))
    document = leaderboard_latex(board(row, corpora=(corpus,)))
    (headings, cells) = tables(document)["scores"]
    shown = dict(zip(headings, cells, strict=True))
    assert (shown["UAR"], shown["Compared UAR"]) == ("0.50", "0.62 [0.55, 0.70]")
    assert (shown["Accuracy"], shown["Compared accuracy"]) == ("0.40", "0.45 [0.42, 0.50]")
    assert "without the rare surprise." in document


def test_flags_of_all_rows_stand_in_the_caption_and_others_in_a_column() -> None:
    rows = [scored(name, flags=("synthetic", *own)) for name, own in (("a", ()), ("b", ("noisy",)))]
    document = leaderboard_latex(board(*rows))
    assert "Flags of all rows: synthetic." in document
    assert [row[-1] for row in tables(document)["scores"]] == ["Flags", "–", "noisy"]
    assert tables(leaderboard_latex(board(rows[0])))["scores"][0][-1] == "Macro-F1"


def test_nothing_is_bold_where_nobody_is_ranked_and_a_corpus_without_scores_has_no_table() -> None:
    alone = leaderboard_latex(board(scored("a", may_be_best=True)))
    assert r"\textbf" not in alone
    assert "Nothing is bold" in alone
    assert tables(leaderboard_latex(board(scored("a", uar=None, rank=None)))) == {}


def test_whatever_a_candidate_is_called_is_text(hostile: str) -> None:
    found = tables(leaderboard_latex(paper(hostile, f"{hostile}2")))
    shown = plain_text(hostile).replace('"', "''")
    (cell,) = {row[1] for row in found["scores"][1:2]}
    assert without_ligatures(cell.removeprefix("bold:")) == without_ligatures(shown)
    assert all(len(row) == len(found[name][0]) for name in found for row in found[name])


def without_ligatures(text: str) -> str:
    return text.replace("”", "''").replace("’", "'")


@pytest.mark.parametrize("compiler", ["tectonic", "lualatex", "xelatex", "pdflatex"])
def test_it_compiles_where_a_latex_is_installed(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    names = [name for name in HOSTILE if latex_text(name).isascii()]
    source = _DOCUMENT % "\n".join(leaderboard_latex(paper(name, "Zärtlich & Söhne")) for name in names)
    (tmp_path / "paper.tex").write_text(source, encoding="utf-8")
    options = [] if compiler == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    ended = subprocess.run([compiler, *options, "paper.tex"], cwd=tmp_path, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")[-3000:]
