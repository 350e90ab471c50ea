import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from benchmark.reporting.verification_markdown import verification_markdown
from benchmark.results.status import Status
from benchmark.results.verification import VerificationReport
from tests.reporting.conftest import reported, verified


def _sections(markdown: str) -> dict[str, str]:
    parts = re.split(r"^## (.+?)(?: \(\d+\))?$", markdown, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_candidate_stands_in_the_section_of_its_verdict(every_status: VerificationReport) -> None:
    sections = _sections(verification_markdown(every_status))
    fallback = "Fallback: usable, with fewer than 5 emotions"
    assert list(sections) == ["Usable", fallback, "Undecided", "Rejected", "Counts"]
    for candidate in every_status.candidates:
        title = fallback if candidate.candidate == "org/four" else candidate.verdict.capitalize()
        assert candidate.candidate in sections[title]


def test_usable_candidates_with_most_emotions_come_first_and_repaired_ones_are_marked(
    every_status: VerificationReport,
) -> None:
    usable = _sections(verification_markdown(every_status))["Usable"]
    names = re.findall(r"^\| (org/\S+(?: \(repaired\))?) ", usable, flags=re.MULTILINE)
    assert names == ["org/seven", "org/repaired (repaired)", "org/usable"] * 2


def test_a_rejected_candidate_has_its_reason_its_log_and_what_was_expected(every_status: VerificationReport) -> None:
    markdown = verification_markdown(every_status)
    reason = "**org/random-head**: The reason of random-head. *Expected usable.* Log: .bench/logs/org__random-head.log"
    assert f"- {reason}" in markdown
    assert "**Not as the registry expects**: org/random-head (random-head, expected usable)." in markdown
    assert "Expected repaired" not in markdown


@pytest.mark.parametrize("status", [status for status in Status if status.verdict != "usable"])
def test_each_status_is_explained_where_it_occurs(status: Status) -> None:
    markdown = verification_markdown(reported(verified("a", status), verified("b", status)))
    assert f"### {status} (2)\n\n{status.meaning}\n" in markdown
    assert f"| {status} " in markdown


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (reported(), "`bench verify --candidates demo`"),
        (reported(verified("a"), verified("b")), "Next, rank the 2 on your audio: `bench run --min-emotions 5"),
        (reported(verified(emotions=("anger", "fear"))), "Next, rank it on your audio: `bench run --min-emotions 2"),
        (reported(verified(status=Status.UNREACHABLE)), "try the embedded demo with `bench verify --candidates demo`"),
        (reported(verified(), verified("b", Status.UNREACHABLE)), "1 candidate could not be reached: verify again"),
        (reported(verified(status=Status.INSPECTED)), "`--depth probe`"),
        (reported(verified(status=Status.NO_HEAD)), "Nothing can be ranked"),
    ],
)  # fmt: skip
def test_the_summary_says_what_to_do_next(report: VerificationReport, sentence: str) -> None:
    summary = verification_markdown(report).split("\n\n")[1]
    assert sentence in summary


def test_the_border_of_the_fallback_is_the_callers() -> None:
    report = reported(verified())
    assert "Fallback: usable, with fewer than 7 emotions" in verification_markdown(report, fallback_below=7)
    assert "Fallback" not in verification_markdown(report, fallback_below=6)


def test_strings_from_outside_stay_text_in_every_place(attack: str) -> None:
    texts = dict.fromkeys(("candidate", "reason", "log", "architecture", "license", "revision", "head"), attack)
    lists: dict[str, Any] = {"notes": (attack,), "languages": (attack,)}
    report = reported(*(verified(status=status, **texts, **lists) for status in Status))
    rendered = MarkdownIt("commonmark").enable("table").render(verification_markdown(report))
    assert not re.search(r"<(script|a|img|javascript|em>\w+_)\b", rendered.replace("<em>Expected", ""))
    assert rendered.count("<h3>") == len([status for status in Status if status.verdict != "usable"])
    assert rendered.count("<table>") == 3
