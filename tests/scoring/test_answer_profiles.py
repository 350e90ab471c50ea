"""What a candidate answers, taken together."""

from collections.abc import Callable

from benchmark.results.runs import EvaluationRecord
from benchmark.scoring.answer_profiles import answer_profile
from benchmark.scoring.answers import Answers
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.seen import Seen
from tests.support.finished_runs import setup_of, verification

Build = Callable[..., Answers]
CLASSES = ("anger", "neutral", "surprise")


def evaluated(answers: Answers) -> StoredEvaluation:
    candidate = verification("a", answers.classes)
    return StoredEvaluation(
        evaluation=EvaluationRecord(candidate="a", corpus="calls", setup=setup_of(candidate)),
        verification=candidate,
        answers=answers,
        seen=Seen.NO,
        loose_map=False,
    )


def test_answers_are_counted_on_the_scored_clips(hard_answers: Build) -> None:
    truth = ["anger", "anger", "neutral", None, "neutral"]
    found = answer_profile(evaluated(hard_answers(truth, ["neutral", "neutral", "surprise", "anger", None], CLASSES)))
    assert found is not None
    assert list(found.answers.items()) == [("neutral", 2), ("surprise", 1)]
    assert found.truth == {"anger": 2, "neutral": 2}
    assert found.unanswered == 1
    assert found.reliability == ()


def test_without_labels_all_answers_are_counted(hard_answers: Build) -> None:
    found = answer_profile(evaluated(hard_answers([None, None, None], ["neutral", None, "anger"], CLASSES)))
    assert found is not None
    assert (found.answers, found.truth, found.unanswered) == ({"anger": 1, "neutral": 1}, {}, 1)


def test_with_enough_clips_it_says_how_right_by_how_sure(hard_answers: Build) -> None:
    found = answer_profile(evaluated(hard_answers(["anger"] * 60, ["anger"] * 45 + ["neutral"] * 15, CLASSES)))
    assert found is not None
    (only,) = found.reliability
    assert (only.clips, only.accuracy) == (60, 0.75)


def test_missing_answers_are_no_profile(hard_answers: Build) -> None:
    whole = hard_answers(["anger"], ["anger"], CLASSES)
    part = Answers(
        probabilities=whole.probabilities,
        classes=whole.classes,
        truth=whole.truth,
        speakers=whole.speakers,
        labelled=True,
        missing=1,
    )
    assert answer_profile(evaluated(part)) is None
    assert answer_profile(evaluated(hard_answers([], [], CLASSES))) is None
