import pytest

from benchmark.reporting.leaderboard_markdown import published_section
from benchmark.scoring.published import published_bests, with_published
from tests.scoring.conftest import RunBuilder, summary_of

SAVEE = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@pytest.mark.parametrize(
    ("name", "emotions", "uar"),
    [
        ("savee", SAVEE, 0.74),
        ("SAVEE", SAVEE, 0.74),
        ("savee", SAVEE[:6], None),
        ("savee", (*SAVEE, "calm"), None),
        ("calls", SAVEE, None),
    ],
)
def test_a_published_score_stands_for_exactly_its_corpus_and_emotions(
    name: str, emotions: tuple[str, ...], uar: float | None
) -> None:
    best = published_bests().on(summary_of(70, dict.fromkeys(emotions, 10), name=name))
    assert (None if best is None else best.uar) == uar


def test_published_scores_have_a_source_and_change_no_row(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("a"), corpus, ["anger"] * len(corpus.clips))
    run.corpus("unlabelled", ())
    board = run.score()
    shown = with_published(board)
    assert shown.rows == board.rows
    assert [(score.corpus, score.uar, score.source) for score in shown.published or ()] == [("acted", None, None)]
    assert published_section(board) == []
    assert published_section(shown)[-1] == "No published figure is known for **acted** with these 5 emotions."
    assert "Interspeech" in published_bests().source
