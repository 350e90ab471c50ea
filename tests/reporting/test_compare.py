import json
from datetime import UTC, datetime

from benchmark.reporting.compare import comparison_markdown
from benchmark.reporting.csv_and_json import model_json
from benchmark.results.comparison import Change, GateResult, RowChange, RunComparison, StatusChange
from tests.reporting.conftest import table

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def comparison(*rows: RowChange, **fields: object) -> RunComparison:
    content = {"old": "before", "new": "after", "old_created": WHEN, "new_created": WHEN, "rows": rows}
    return RunComparison.model_validate(content | fields)


def test_runs_without_changes_and_runs_without_common_rows_are_told_apart() -> None:
    same = RowChange(candidate="a", corpus="calls", numbers={"uar": Change(old=0.5, new=0.5, difference=0.0)})
    text = comparison_markdown(comparison(same))
    assert "Nothing changed." in text
    assert "|" not in text
    apart = [RowChange(candidate="a", corpus=name, presence=name) for name in ("old", "new")]
    text = comparison_markdown(comparison(*apart))
    assert "Nothing can be compared" in text
    assert "No score changed" not in text


def test_a_change_beyond_chance_is_bold_with_its_interval() -> None:
    sure = Change(old=0.5, new=0.6, difference=0.1, low=0.02, high=0.18, how="paired")
    unsure = Change(old=0.5, new=0.48, difference=-0.02, low=-0.08, high=0.04, how="paired")
    changes = {"a": sure, "b": unsure}
    rows = [
        RowChange(candidate=name, corpus="x", common_clips=9, numbers={"uar": uar}) for name, uar in changes.items()
    ]
    text = comparison_markdown(comparison(*rows))
    assert "**+0.100 [+0.020, +0.180]**" in text
    assert "| −0.020 [−0.080, +0.040] " in text
    assert "9 common clips" in text
    assert "rose beyond chance in 1 and fell in 0" in text


def test_gates_say_what_failed_and_where() -> None:
    failed = GateResult(gate="uar<-0.02", passed=False, findings=("a on calls: -0.03 (0.5 → 0.47).",), checked=3)
    passed = GateResult(gate="rank>0", passed=True, checked=1)
    text = comparison_markdown(comparison(gates=(failed, passed)))
    assert "- `uar<-0.02` **failed** (3 rows looked at)\n  - a on calls: -0.03 (0.5 → 0.47)." in text
    assert "- `rank>0` passed (1 row looked at)" in text


def test_latencies_show_both_numbers_what_they_are_compared_by_and_noise() -> None:
    numbers = {"latency_p50_ms": Change(old=100, new=200), "latency_ratio": Change(old=5, new=5.2)}
    by_ratio = Change(old=5, new=5.2, difference=0.04, low=-0.02, high=0.1, how="reference")
    rows = [
        RowChange(candidate=name, corpus="x", numbers=numbers, latency_ratio=by_ratio, noisy=name == "b")
        for name in "ab"
    ]
    undecided = GateResult(gate="latency_p50_ms>+5%", passed=None, findings=("a cannot be judged.",), checked=2)
    text = comparison_markdown(comparison(*rows, gates=(undecided,)))
    assert [row["compared by"] for row in table(text.partition("## Latency")[2])] == ["ratio", "ratio, noisy"]
    assert "100 → 200" in text
    assert "5.00 → 5.20" in text
    assert "+4.0% [−2.0%, +10.0%]" in text
    assert "`latency_p50_ms>+5%` **cannot be judged**" in text


def test_names_from_outside_are_escaped(attack: str) -> None:
    row = RowChange(candidate=attack, corpus=attack, flags_came=(attack,), numbers={"uar": Change(old=0.1, new=0.2)})
    status = StatusChange(candidate=attack, old=None, new=attack, reason=attack)
    compared = comparison(row, old=attack, warnings=(attack,), statuses=(status,))
    text = comparison_markdown(compared)
    assert "<script" not in text
    assert "\x1b" not in text
    assert json.loads(model_json(compared))["rows"][0]["candidate"] == attack
