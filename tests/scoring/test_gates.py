import pytest

from benchmark.errors import RequestError
from benchmark.results.comparison import Change, RowChange
from benchmark.scoring.gates import judge_gate, parse_gate

Numbers = tuple[float | None, float | None]


def row(corpus: str = "calls", presence: str = "both", **numbers: Numbers) -> RowChange:
    changes = {
        name: Change(old=old, new=new, difference=None if old is None or new is None else new - old)
        for name, (old, new) in numbers.items()
    }
    return RowChange(candidate="a", corpus=corpus, device="cpu", presence=presence, numbers=changes)


@pytest.mark.parametrize(
    ("text", "column", "operator", "amount", "relative"),
    [
        ("uar<-0.02", "uar", "<", -0.02, False),
        ("latency_p50_ms>+20%", "latency_p50_ms", ">", 0.2, True),
        ("  size_mb  >=  +.5 % ", "size_mb", ">=", 0.005, True),
        ("rank>0", "rank", ">", 0.0, False),
        ("metric_kappa<-0.1", "metric_kappa", "<", -0.1, False),
    ],
)
def test_a_gate_is_a_column_a_comparison_and_a_change(
    text: str, column: str, operator: str, amount: float, relative: bool
) -> None:
    gate = parse_gate(text)
    assert (gate.column, gate.operator, gate.relative) == (column, operator, relative)
    assert gate.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "no gate"),
        ("uar", "such as"),
        ("uar<-0.02 and accuracy<-0.02", "such as"),
        ("uar<-0,02", "such as"),
        ("uar<-1e400", "such as"),
        ("uarr<-0.02", "did you mean 'uar'"),
        ("candidate<-0.02", "no column 'candidate'"),
        ("zebra<-0.02", "columns with numbers are rank"),
        ("uar<0.02", "needs its sign"),
        ("latency_p50_ms>20%", "latency_p50_ms>\\+20%"),
    ],
)
def test_a_text_that_is_no_gate_is_refused_in_one_sentence_with_an_example(text: str, hint: str) -> None:
    with pytest.raises(RequestError, match=hint) as refused:
        parse_gate(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "numbers", "passes"),
    [
        ("uar<-0.02", (0.5, 0.47), False),
        ("uar<-0.02", (0.5, 0.49), True),
        ("uar<-2%", (0.5, 0.4875), False),
        ("uar<=-0.25", (0.5, 0.25), False),
        ("uar<-0.25", (0.5, 0.25), True),
        ("uar>+20%", (100.0, 121.0), False),
        ("uar>+20%", (100.0, 119.0), True),
        ("uar>=+5", (100.0, 105.0), False),
    ],
)
def test_a_change_is_compared_with_the_amount(text: str, numbers: Numbers, passes: bool) -> None:
    result = judge_gate(parse_gate(text), [row(uar=numbers)])
    assert result.passed is passes


@pytest.mark.parametrize(
    ("gate", "rows", "why"),
    [
        ("uar<-0.02", [row(uar=(0.5, None))], "the new run has no uar"),
        ("uar<-0.02", [row(uar=(None, 0.5))], "the old run has no uar"),
        ("uar<-0.02", [row(uar=(0.5, None), presence="old")], "the new run has no such row"),
        ("uar<-0.02", [row(accuracy=(0.5, 0.5))], "no row of both runs has a number"),
        ("uar<-0.02", [row(uar=(None, 0.9), presence="new")], "no row of both runs has a number"),
        ("ece>+10%", [row(ece=(0.0, 0.1))], "has no meaning"),
    ],
)
def test_a_gate_that_cannot_be_judged_fails_with_the_reason(gate: str, rows: list[RowChange], why: str) -> None:
    result = judge_gate(parse_gate(gate), rows)
    assert not result.passed
    assert why in " ".join(result.findings)


def timed(p50: Numbers, ratio: Numbers, reach: float, *, noisy: bool = False, how: str = "reference") -> RowChange:
    """A row whose ratio changed, with an interval that reaches so far on each side."""
    old, new = (value or 0.0 for value in ratio)
    change = new / old - 1
    found = Change(old=old, new=new, difference=change, low=change - reach, high=change + reach, how=how)
    rtfx = (3000 / (p50[0] or 1), 3000 / (p50[1] or 1))
    own = row(latency_p50_ms=p50, latency_ratio=ratio, rtfx=rtfx)
    return own.model_copy(update={"latency_ratio": found, "noisy": noisy})


@pytest.mark.parametrize(
    ("gate", "row_of", "passed"),
    [
        ("latency_p50_ms>+20%", timed((100, 200), (5, 5.1), 0.05), True),  # the machine was slower, not the candidate
        ("latency_p50_ms>+50", timed((100, 200), (5, 5.1), 0.05), True),
        ("rtfx<-20%", timed((100, 200), (5, 5.1), 0.05), True),
        ("latency_p50_ms>+20%", timed((200, 200), (5, 10), 0.05), False),
        ("rtfx<-20%", timed((200, 200), (5, 10), 0.05), False),
        ("latency_ratio>+20%", timed((200, 200), (5, 10), 0.05, noisy=True), False),
        ("latency_p50_ms>+20%", timed((100, 125), (5, 6.25), 0.1), None),
        ("latency_p50_ms>+20%", timed((100, 115), (5, 5.75), 0.1), None),
        ("latency_p50_ms>+20%", timed((100, 300), (100, 300), 0.01, noisy=True, how="unpaired"), None),
        ("latency_p50_ms>+20%", timed((100, 300), (100, 300), 0.01, how="unpaired"), False),
    ],
)
def test_a_latency_is_judged_by_its_ratio_and_not_where_noise_decides(
    gate: str, row_of: RowChange, passed: bool | None
) -> None:
    result = judge_gate(parse_gate(gate), [row_of])
    assert result.passed is passed
    assert ("cannot be judged" in " ".join(result.findings)) is (passed is None)


def test_a_latency_with_too_few_calls_for_an_interval_is_not_judged() -> None:
    brief = timed((100, 300), (5, 15), 0.1)
    ratio = Change(old=5, new=15, difference=2.0, how="reference")
    result = judge_gate(parse_gate("latency_p50_ms>+20%"), [brief.model_copy(update={"latency_ratio": ratio})])
    assert result.passed is None
    assert "--latency-seconds gives more" in result.findings[0]


def test_a_row_that_fails_or_is_missing_counts_more_than_noise() -> None:
    undecided = timed((100, 125), (5, 6.25), 0.1, noisy=True)
    assert "the measurement is noisy" in judge_gate(parse_gate("latency_p50_ms>+20%"), [undecided]).findings[0]
    gone = row("more", presence="old", latency_p50_ms=(100.0, None)).model_copy(update={"candidate": "b"})
    result = judge_gate(parse_gate("latency_p50_ms>+20%"), [undecided, gone])
    assert result.passed is False
    assert "no such row" in result.findings[0]


def test_rows_without_the_number_and_new_rows_are_passed_over() -> None:
    rows = [row(uar=(0.5, 0.5)), row("unlabelled", entropy=(1.0, 1.0)), row("more", presence="new", uar=(None, 0.1))]
    result = judge_gate(parse_gate("uar<-0.02"), rows)
    assert (result.passed, result.checked) == (True, 1)


def test_costs_that_do_not_depend_on_the_corpus_are_judged_once() -> None:
    rows = [row(corpus, latency_p50_ms=(100.0, 200.0), uar=(0.5, 0.1)) for corpus in ("one", "two")]
    slower, worse = (judge_gate(parse_gate(text), rows) for text in ("latency_p50_ms>+20%", "uar<-0.02"))
    assert slower.findings == ("a (cpu): +100.0% (100 → 200).",)
    assert len(worse.findings) == 2
