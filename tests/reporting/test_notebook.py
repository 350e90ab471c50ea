"""What results show of themselves in a notebook and in a terminal."""

import re
from pathlib import Path

import pytest

import benchmark
from benchmark.results.environment import Environment
from benchmark.results.leaderboard_columns import Shown, shown_in
from benchmark.results.status import Status
from benchmark.results.verification import VerificationReport
from benchmark.settings import Settings
from tests.support.finished_runs import WHEN, FinishedRun, corpus, verification

HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the cache of a run of two candidates, one of them with a hostile name."""
    run = FinishedRun(tmp_path_factory.mktemp("run"), corpus(), corpus("calls", labelled=False))
    run.add(verification("good"), wrong=0.1)
    run.add(verification(HOSTILE), wrong=0.4, seed=1, ms=10.0)
    run.verifications.append(verification("broken", status=Status.RANDOM_HEAD, reason="Its head is *random*."))
    run.save()
    return Settings(cache=run.cache)


@pytest.fixture(scope="module")
def outcome(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> benchmark.ReportOutcome:
    return benchmark.report(settings=settings, output=tmp_path_factory.mktemp("reports"))


def shown(result: object) -> str:
    html = result._repr_html_()  # type: ignore[attr-defined]
    assert isinstance(html, str)
    return html


def headings(html: str) -> list[str]:
    return re.findall(r"<th [^>]*>([^<]*)</th>", html.partition("<details>")[0])


def test_a_leaderboard_is_the_table_of_the_page(outcome: benchmark.ReportOutcome) -> None:
    html = shown(outcome.leaderboard)
    titles = [column.title for column in shown_in(Shown.PAGE)]
    assert [title for title in titles if title in headings(html)] == headings(html)
    assert {"rank", "candidate", "corpus", "may be best", "UAR", "p50 ms", "flags"} <= set(headings(html))
    assert "<strong>good</strong>, UAR 0." in html
    assert "<strong>broken</strong> (random-head): Its head is *random*." in html


def test_html_loads_nothing_runs_nothing_and_takes_the_colours_around_it(outcome: benchmark.ReportOutcome) -> None:
    html = shown(outcome)
    assert "&lt;script&gt;" in html
    assert not re.search(r"<script|\x1b|src=|href=|url\(|@import|#[0-9a-f]{3,6}\b", html)
    assert "Open <code>" in html


def test_a_text_is_a_line_or_two(outcome: benchmark.ReportOutcome) -> None:
    assert re.fullmatch(
        r"<ReportOutcome: 2026-03-01 09:05 UTC, 2 candidates on acted, calls\n highest: good on acted, UAR 0\.\d\d .*>",
        repr(outcome),
    )
    assert str(outcome.leaderboard) == repr(outcome).replace("ReportOutcome", "Leaderboard")


def test_verdicts_are_a_table_with_reasons() -> None:
    candidates = (
        verification("broken", status=Status.RANDOM_HEAD, reason=f"Its head {HOSTILE} is random."),
        verification("good"),
    )
    report = VerificationReport(created=WHEN, registry="mine", environment=Environment.here(), candidates=candidates)
    html = shown(report)
    assert headings(html) == ["candidate", "status", "emotions", "why"]
    assert html.index("good") < html.index("broken")
    assert "<td>Its head &lt;script&gt;alert(1)&lt;/script&gt; is random.</td>" in html
    assert repr(report) == (
        "<VerificationReport: 2026-03-01 09:05 UTC, 1 usable of 2 candidates of mine\n 1 random-head, 1 usable>"
    )


def test_choices_and_comparisons_show_their_reports(settings: Settings, outcome: benchmark.ReportOutcome) -> None:
    choice = benchmark.recommend(settings=settings)
    assert repr(choice).startswith("<RecommendOutcome: good, of 2 choices; expect UAR 0.")
    assert "<h3>Recommendation</h3>" in shown(choice)
    folder = outcome.files[0].parent
    comparison = benchmark.compare(folder, folder, fail_on=["uar<-0.1"], settings=settings)
    assert repr(comparison).endswith("rows, 1 of 1 gate passed>")
    assert "Nothing changed." in shown(comparison)


def test_what_went_wrong_stands_first(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.verifications.append(verification("few", labels=("anger",)))
    run.save()
    outcome = benchmark.report(settings=Settings(cache=run.cache), output=tmp_path / "reports")
    assert "exit code 1: No candidate was eligible" in repr(outcome)
    assert shown(outcome).index("No candidate was eligible") < shown(outcome).index("No candidate was evaluated")
