import pytest

from benchmark.scoring.planning import CorpusPlan, Plan, plan_from_assumptions, plan_from_run
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, labels_of, mostly_right


def plan_of(run: RunBuilder, difference: float | None = None) -> Plan:
    return plan_from_run(run.record(), run.predictions, wanted=0.8, difference=difference)


def corpus_plan(run: RunBuilder, difference: float | None = None) -> CorpusPlan:
    (plan,) = plan_of(run, difference).corpora
    return plan


def test_it_plans_for_the_best_and_says_who_is_left_out_and_why(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    for number, (name, wrong) in enumerate({"worse": 0.7, "best": 0.3, "next": 0.5}.items()):
        run.add(run.candidate(name), corpus, mostly_right(corpus, wrong, seed=number))
    run.add(run.candidate("seen", trained_on=("acted",)), corpus, labels_of(corpus))
    run.add(run.candidate("twin"), corpus, mostly_right(corpus, 0.3, seed=1))
    run.add(run.candidate("late"), corpus, labels_of(corpus)[:5])
    plan = corpus_plan(run)
    assert plan.candidates == ("best", "next", "worse")
    assert plan.left_out == {
        "seen": "it was trained on this corpus",
        "twin": "it answers as best does",
        "late": "it has not answered all clips",
    }
    assert (plan.speakers, plan.clips) == (8, 8 * len(EMOTIONS) * 4)


def test_a_design_costs_the_labels_that_the_run_lacks_and_the_time_that_candidates_took(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    for number, name in enumerate("ab"):
        run.add(run.candidate(name), corpus, mostly_right(corpus, 0.4, seed=number))
    plan = corpus_plan(run, difference=0.05)
    assert plan.difference == 0.05
    same = next(design for design in plan.designs if design.clips_per_speaker == 20)
    assert same.speakers.value is not None and same.speakers.value > 8
    assert same.labels.value == 20 * same.speakers.value
    assert same.more_speakers.value == same.speakers.value - 8
    assert same.more_labels.value == same.labels.value - 160
    assert same.compute_s is not None and same.compute_s.value is not None
    assert same.compute_s.value == pytest.approx(same.more_labels.value * 2 * 0.1)


def test_without_speakers_or_with_one_candidate_there_is_a_reason_and_no_design(run: RunBuilder) -> None:
    clips = [clip_record(str(number), label=EMOTIONS[number % 5]) for number in range(40)]
    run.add(run.candidate("a"), run.corpus("calls", clips), labels_of(run.corpora[0]))
    plan = corpus_plan(run)
    assert plan.problem is not None
    assert plan.left_out == {"a": "the speaker of some clips is unknown"}
    assert plan.designs == ()


def test_assumptions_are_stated_and_more_candidates_or_smaller_differences_need_more_speakers() -> None:
    def needed(difference: float = 0.1, candidates: int = 2) -> float:
        plan = plan_from_assumptions(uar=0.6, difference=difference, candidates=candidates, emotions=4, wanted=0.8)
        assert any("0.5" in text for text in plan.assumptions)
        (corpus,) = plan.corpora
        design = corpus.designs[2]
        assert (
            design.speakers.low is not None and design.speakers.value is not None and design.speakers.high is not None
        )
        assert design.speakers.low < design.speakers.value < design.speakers.high
        assert design.labels.value == design.speakers.value * design.clips_per_speaker
        return design.speakers.value

    assert needed() < needed(candidates=8)
    assert needed() < needed(difference=0.05)
