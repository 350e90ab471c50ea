"""Plots of a leaderboard and of verdicts."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import benchmark
from benchmark.errors import RequestError
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.verification import VerificationReport
from benchmark.settings import Settings
from tests.support.finished_runs import FinishedRun, corpus, verification


def report(folder: Path, *, ms: float | None = 50.0) -> benchmark.ReportOutcome:
    """The outcome for a run on two labelled corpora and one without labels, of which `$x^2$` is fastest."""
    run = FinishedRun(folder / ".bench", corpus(), corpus("other"), corpus("calls", labelled=False))
    run.add(verification("best"), wrong=0.05, ms=ms)
    run.add(verification("beaten"), wrong=0.4, ms=ms and 2 * ms, seed=1)
    run.add(verification("$x^2$"), wrong=0.3, ms=ms and ms / 2, seed=2)
    run.add(verification("stuck"), ms=ms and ms / 4, always="anger")
    run.save()
    return benchmark.report(settings=Settings(cache=run.cache), output=folder / "reports")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> benchmark.ReportOutcome:
    return report(tmp_path_factory.mktemp("plots"))


def names(figure: Figure) -> list[list[str]]:
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def test_the_front_joins_what_nobody_beats_and_leaves_out_the_useless(outcome: benchmark.ReportOutcome) -> None:
    figure = outcome.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["acted", "other"]
    assert [set(texts) for texts in names(figure)] == [{"best", "beaten", r"\$x^2\$", "stuck"}] * 2
    front: Any = figure.axes[0].lines[0]
    uar = {row.candidate: row.uar for row in outcome.leaderboard.rows if row.corpus == "acted"}
    assert list(front.get_xdata()) == [25, 50]
    assert list(front.get_ydata()) == [uar["$x^2$"], uar["best"]]
    assert figure.axes[0].get_xscale() == "log"


def test_intervals_are_drawn_best_on_top_and_for_one_corpus(outcome: benchmark.ReportOutcome) -> None:
    (axes,) = outcome.plot("intervals", corpus="other").axes
    ranked = [row.candidate for row in outcome.leaderboard.rows if row.corpus == "other"]
    assert [label.get_text() for label in axes.get_yticklabels()] == [name.replace("$", r"\$") for name in ranked]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    ends = [path.vertices[:, 0].tolist() for lines in axes.collections for path in lines.get_paths()]  # type: ignore[union-attr, index]
    rows = [row for row in outcome.leaderboard.rows if row.corpus == "other"]
    assert ends == [[row.uar_low, row.uar_high] for row in rows]


def test_verdicts_are_drawn_as_counts_of_statuses_the_usable_first(tmp_path: Path) -> None:
    statuses = [Status.NOT_FOUND, Status.USABLE, Status.NOT_FOUND, Status.SKIPPED]
    candidates = tuple(
        verification(f"candidate {number}").model_copy(update={"status": status})
        for number, status in enumerate(statuses)
    )
    report = VerificationReport(
        created=datetime.now(UTC), registry="ours", environment=Environment.here(), candidates=candidates
    )
    (axes,) = report.plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["usable", "skipped", "not-found"]
    assert [bar.get_width() for bar in axes.patches] == [1, 1, 2]  # type: ignore[attr-defined]
    with pytest.raises(RequestError, match="no candidate was verified"):
        report.model_copy(update={"candidates": ()}).plot()


def test_a_notebook_shows_the_figure_without_pyplot(outcome: benchmark.ReportOutcome) -> None:
    assert outcome.leaderboard.plot("intervals")._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert "matplotlib.pyplot" not in sys.modules


def test_what_cannot_be_drawn_is_a_sentence(outcome: benchmark.ReportOutcome, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no plot 'bars': choose 'pareto' or 'intervals'"):
        outcome.plot("bars")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="no corpus 'actde'; did you mean 'acted'"):
        outcome.plot(corpus="actde")
    untimed = report(tmp_path, ms=None)
    with pytest.raises(RequestError, match=r"no candidate has a UAR and a latency; plot\('intervals'\) needs no"):
        untimed.plot()
    assert len(untimed.plot("intervals").axes) == 2


def test_without_matplotlib_the_remedy_is_named(
    outcome: benchmark.ReportOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "benchmark.reporting.plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    with pytest.raises(RequestError, match=r"needs matplotlib: pip install 'ser-bench\[plot\]'"):
        outcome.plot()
