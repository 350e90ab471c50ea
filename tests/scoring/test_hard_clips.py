"""The clips that are worth listening to."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import entropy

from benchmark.results.analyses import HardClips
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.answers import Answers
from benchmark.scoring.corpus_description import summarise_corpus
from benchmark.scoring.evaluations import CorpusEvaluations
from benchmark.scoring.hard_clips import LISTED_CLIPS, hard_clips
from benchmark.scoring.labels import label_clips
from benchmark.scoring.leaderboard import score_run
from tests.scoring.conftest import evaluation_of
from tests.support.finished_runs import EMOTIONS

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder


Said = Sequence[str | None]


Build = Callable[..., Answers]


FOUR = EMOTIONS  # anger, happiness, neutral, sadness


def heard(truth: Said, evaluations: Mapping[str, Answers]) -> CorpusEvaluations:
    clips = tuple(
        ClipRecord(clip=f"clip {place}", clip_hash=str(place), duration_s=2.0, label=label, speaker="s1")
        for place, label in enumerate(truth)
    )
    corpus = CorpusRecord(name="calls", source="folder:calls", clips=clips, available_clips=len(clips))
    return CorpusEvaluations(
        corpus=corpus,
        summary=summarise_corpus(corpus),
        clips=label_clips(corpus),
        evaluations=tuple(evaluation_of(name, answers) for name, answers in evaluations.items()),
        loose=False,
    )


@pytest.fixture
def find(hard_answers: Build) -> Callable[..., HardClips]:
    def found(truth: Said, said: Mapping[str, Said], classes: Mapping[str, Sequence[str]] | None = None) -> HardClips:
        known = classes or {}
        answers = {name: hard_answers(truth, each, known.get(name, FOUR)) for name, each in said.items()}
        return hard_clips(heard(truth, answers))

    return found


Find = Callable[..., HardClips]


def test_clips_that_most_get_wrong_come_first(find: Find) -> None:
    truth = ["anger", "anger", "neutral", "sadness"]
    said = {
        "a": ["anger", "neutral", "sadness", "anger"],
        "b": ["anger", "neutral", "neutral", "anger"],
        "c": ["anger", "anger", "neutral", None],
    }
    found = find(truth, said)
    assert [(clip.clip, clip.wrong, clip.able) for clip in found.most_wrong] == [
        ("clip 3", 3, 3),
        ("clip 1", 2, 3),
        ("clip 2", 1, 3),
    ]
    first = found.most_wrong[0]
    assert first.answers == {"a": "anger", "b": "anger", "c": None}
    assert (first.emotion, first.label, first.speaker, first.duration_s) == ("sadness", "sadness", "s1", 2.0)
    assert found.candidates == 3


def test_who_has_no_name_for_an_emotion_is_not_blamed_for_missing_it(find: Find) -> None:
    said = {"a": ["neutral", "neutral"], "b": ["neutral", "anger"]}
    found = find(["anger", "neutral"], said, {"a": ("neutral", "sadness"), "b": FOUR})
    assert [(clip.clip, clip.wrong, clip.able) for clip in found.most_wrong] == [("clip 0", 1, 1), ("clip 1", 1, 2)]
    nobody = find(["anger"], {"a": ["neutral"]}, {"a": ("neutral", "sadness")})
    assert nobody.most_wrong == ()


def test_of_clips_missed_equally_often_those_that_more_could_know_come_first(find: Find) -> None:
    said = {"a": ["neutral", "anger"], "b": ["neutral", "anger"]}
    found = find(["anger", "sadness"], said, {"a": FOUR, "b": ("neutral", "anger")})
    assert [clip.clip for clip in found.most_wrong] == ["clip 0", "clip 1"]


def test_of_clips_missed_alike_the_one_believed_in_least_comes_first() -> None:
    probabilities = np.array([[0.4, 0.5, 0.1], [0.1, 0.8, 0.1]])
    answers = Answers(
        probabilities=probabilities,
        classes=("anger", "neutral", "sadness"),
        truth=("anger", "anger"),
        speakers=("s1", "s1"),
    )
    found = hard_clips(heard(["anger", "anger"], {"a": answers}))
    assert [clip.clip for clip in found.most_wrong] == ["clip 1", "clip 0"]


def test_disagreement_is_the_entropy_of_the_answers_and_needs_no_labels(find: Find) -> None:
    said = {
        "a": ["anger", "anger", "anger"],
        "b": ["anger", "neutral", "neutral"],
        "c": ["anger", "anger", "sadness"],
    }
    found = find([None, None, None], said)
    assert found.most_wrong == ()
    assert [clip.clip for clip in found.most_disputed] == ["clip 2", "clip 1"]
    expected = [entropy([1, 1, 1]), entropy([2, 1])]
    assert [clip.disagreement for clip in found.most_disputed] == pytest.approx(expected)


def test_one_candidate_disagrees_with_nobody(find: Find) -> None:
    assert find(["anger", "neutral"], {"a": ["neutral", "neutral"]}).most_disputed == ()
    assert find(["anger"], {"a": ["neutral"], "b": [None]}).most_disputed == ()


def test_candidates_with_missing_answers_are_left_out(hard_answers: Build) -> None:
    truth = ["anger", "neutral"]
    whole = hard_answers(truth, ["neutral", "neutral"], FOUR)
    part = Answers(
        probabilities=whole.probabilities,
        classes=whole.classes,
        truth=whole.truth,
        speakers=whole.speakers,
        missing=1,
    )
    found = hard_clips(heard(truth, {"whole": whole, "part": part}))
    assert found.candidates == 1
    assert set(found.most_wrong[0].answers) == {"whole"}
    assert hard_clips(heard(truth, {"part": part})) == HardClips(corpus="calls", candidates=0)


def test_without_clips_or_candidates_there_is_nothing_to_hear(hard_answers: Build) -> None:
    assert hard_clips(heard([], {})) == HardClips(corpus="calls", candidates=0)
    assert hard_clips(heard([], {"a": hard_answers([], [], FOUR)})).most_wrong == ()


def test_lists_are_short_however_many_clips_there_are(random_answers: Build) -> None:
    first, second = random_answers(1, 500), random_answers(2, 500)
    other = Answers(
        probabilities=second.probabilities,
        classes=second.classes,
        truth=first.truth,
        speakers=first.speakers,
    )
    found = hard_clips(heard(first.truth, {"a": first, "b": other}))
    assert len(found.most_wrong) == len(found.most_disputed) == LISTED_CLIPS
    shares = [clip.wrong / clip.able for clip in found.most_wrong]
    assert shares == sorted(shares, reverse=True)
    for clip in (*found.most_wrong, *found.most_disputed):
        place = int(clip.clip.split()[1])
        assert clip.emotion == first.truth[place]
        for name, answers in (("a", first), ("b", other)):
            chosen = answers.chosen[place]
            assert clip.answers[name] == (None if chosen < 0 else answers.classes[chosen])


def test_what_a_candidate_could_not_process_is_told_by_reason_with_the_first_names(run: "RunBuilder") -> None:
    corpus = run.corpus("x", [run.clip(f"clip {place}", label="fear") for place in range(20)])
    whole, failing = run.candidate("whole"), run.candidate("failing")
    run.says(whole, corpus, ["fear"] * 20)
    run.says(failing, corpus, [None] * 7 + ["fear"] * 12 + [None])
    stored = run.stored[run.setup(failing).key]
    reason = {f"clip {place}": "too short" if place < 6 else "no window" for place in range(20)}
    for name, prediction in stored.items():
        object.__setattr__(prediction, "failure", reason[name] if prediction.logits is None else None)
    board = score_run(run.record(), run.predictions)
    found = [(one.candidate, one.corpus, one.reason, one.clips, one.examples) for one in board.failed_clips]
    assert found == [
        ("failing", "x", "too short", 6, tuple(f"clip {place}" for place in range(5))),
        ("failing", "x", "no window", 2, ("clip 6", "clip 19")),
    ]
    assert sum(one.clips for one in board.failed_clips) == board.rows[1].failed_clips


def test_clips_that_nobody_was_asked_about_or_nobody_can_read_are_not_among_them(run: "RunBuilder") -> None:
    corpus = run.corpus("x", [run.clip("a", label="fear"), run.unreadable("b"), run.clip("c", label="fear")])
    run.says(run.candidate("stopped"), corpus, ["fear"])
    assert score_run(run.record(), run.predictions).failed_clips == ()
