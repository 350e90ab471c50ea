import itertools

import numpy as np
import pytest

from benchmark.results.status import Status
from benchmark.verification.probe import answer_evidence, judge_answers, judge_repetition, make_probes

LABELS = ("angry", "happy", "sad")


def answers(spread: float = 1.0, size: float = 1.0) -> np.ndarray:
    """Twelve answers, of which one departs by `spread` from the others, which are all `size`."""
    logits = np.full((12, 3), size, np.float32)
    logits[4, 1] += spread
    return logits


def test_the_probes_are_sounds_and_always_the_same() -> None:
    for first, second in zip(make_probes(), make_probes(), strict=True):
        samples = first.waveform.samples
        assert first.waveform.content_hash == second.waveform.content_hash
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 1
        assert 0.7 < first.waveform.duration_s < 6


def test_no_two_probes_differ_in_gain_only() -> None:
    for first, second in itertools.combinations([probe.samples(16_000, 30.0) for probe in make_probes()], 2):
        size = min(first.size, second.size)
        alike = np.dot(first[:size], second[:size]) / (np.linalg.norm(first[:size]) * np.linalg.norm(second[:size]))
        assert abs(alike) < 0.9


def test_a_probe_is_at_most_one_window_at_the_rate_of_the_model() -> None:
    probe = make_probes()[0]
    assert probe.samples(8_000, 30.0).size == pytest.approx(probe.waveform.samples.size / 2, abs=2)
    assert probe.samples(16_000, 0.25).size == 4_000


def test_answers_that_move_are_answers() -> None:
    assert list(judge_answers(answers(), LABELS)) == []


@pytest.mark.parametrize(
    ("spread", "size", "broken"),
    [(0.9e-4, 0.5, True), (1.1e-4, 0.5, False), (0.9e-2, 100.0, True), (1.1e-2, 100.0, False)],
)
def test_the_same_answer_is_one_that_moves_by_less_than_a_ten_thousandth_of_its_size(
    spread: float, size: float, broken: bool
) -> None:
    findings = judge_answers(answers(spread, size), LABELS)
    assert [finding.status for finding in findings] == [Status.BROKEN_OUTPUT] * broken


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_answer_that_is_no_number_is_enough(value: float) -> None:
    logits = answers()
    logits[7, 2] = value
    (finding,) = judge_answers(logits, LABELS)
    assert finding.status is Status.BROKEN_OUTPUT
    assert "1 of 12" in finding.reason
    logits[:, 2] = value
    assert [finding.status for finding in judge_answers(logits, LABELS)] == [Status.BROKEN_OUTPUT]


def test_the_same_decision_on_all_probes_is_evidence_and_no_fault() -> None:
    logits = np.tile(np.array([5.0, 0.0, 0.0], np.float32), (12, 1))
    logits[:, 1] = np.linspace(0, 1, 12)
    assert list(judge_answers(logits, LABELS)) == []
    assert answer_evidence(logits, LABELS)["same decision on all"] is True


def test_two_loads_may_differ_by_rounding_and_no_more() -> None:
    assert list(judge_repetition(answers(), answers() + np.float32(5e-6))) == []
    (finding,) = judge_repetition(answers(), answers() + np.float32(5e-5))
    assert finding.status is Status.BROKEN_OUTPUT


def test_a_second_load_that_answers_with_no_number_is_another_answer() -> None:
    assert list(judge_repetition(answers(), np.full((12, 3), np.nan, np.float32)))
