from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy

from benchmark.results.analyses import HardClip, HardClips
from benchmark.scoring.answers import Answers
from benchmark.scoring.corpus_description import summarise_corpus
from benchmark.scoring.evaluations import CorpusEvaluations
from benchmark.scoring.hard_clips import LISTED_CLIPS, MOST_ANSWERS, MOST_CLIPS, clip_answers, hard_clips
from benchmark.scoring.labels import label_clips
from tests.scoring.conftest import (
    RunBuilder,
    clip_record,
    corpus_record,
    evaluation_of,
    hard_answers,
    random_answers,
    unreadable,
)
from tests.support.finished_runs import EMOTIONS as FOUR  # anger, happiness, neutral, sadness
from tests.support.finished_runs import setup_of

Labels = Sequence[str | None]


def evaluations_of(truth: Labels, answers: Mapping[str, Answers]) -> CorpusEvaluations:
    clips = [clip_record(f"clip {number}", label=label, speaker="s1") for number, label in enumerate(truth)]
    corpus = corpus_record("calls", clips)
    labelled = label_clips(corpus)
    evaluations = tuple(evaluation_of(name, own) for name, own in answers.items())
    summary = summarise_corpus(corpus, labelled)
    return CorpusEvaluations(corpus=corpus, summary=summary, clips=labelled, evaluations=evaluations)


def hard_clips_of(truth: Labels, answers: Mapping[str, Answers]) -> HardClips:
    return hard_clips(evaluations_of(truth, answers))


def clips_for(
    truth: Labels, answers: Mapping[str, Labels], classes: Mapping[str, Sequence[str]] | None = None
) -> HardClips:
    known = classes or {}
    return hard_clips_of(
        truth, {name: hard_answers(truth, hard, known.get(name, FOUR)) for name, hard in answers.items()}
    )


def counts(clips: Sequence[HardClip]) -> list[tuple[str, int, int]]:
    return [(hard.clip, hard.wrong, hard.able) for hard in clips]


def test_answers_to_all_clips_are_listed_in_the_order_of_the_corpus() -> None:
    truth = ["anger", None, "sadness"]
    hard: dict[str, Labels] = {"a": ["anger", "neutral", None], "b": ["sadness", "anger", "sadness"]}
    answers = {name: hard_answers(truth, labels, FOUR) for name, labels in hard.items()}
    listed = clip_answers(evaluations_of(truth, answers))
    assert listed is not None
    assert [(clip.clip, clip.emotion) for clip in listed.clips] == list(
        zip(["clip 0", "clip 1", "clip 2"], truth, strict=True)
    )
    said = {
        name: [None if index < 0 else listed.classes[index] for index in own] for name, own in listed.answers.items()
    }
    assert said == hard
    assert listed.total == 3


@pytest.mark.parametrize(("corpora", "most"), [(1, MOST_CLIPS), (50, MOST_ANSWERS // 100)])
def test_of_a_large_corpus_the_clips_that_most_miss_are_listed(corpora: int, most: int) -> None:
    truth: Labels = ["anger"] * (MOST_CLIPS + 100)
    wrong: Labels = ["anger"] * 100 + ["sadness"] * MOST_CLIPS
    answers = {name: hard_answers(truth, wrong, FOUR) for name in ("a", "b")}
    listed = clip_answers(evaluations_of(truth, answers), corpora=corpora)
    assert listed is not None
    assert (len(listed.clips), listed.total, listed.clips[0].clip) == (most, len(truth), "clip 100")
    assert {len(own) for own in listed.answers.values()} == {most}


def test_clips_that_most_get_wrong_come_first() -> None:
    truth = ["anger", "anger", "neutral", "sadness"]
    answers: dict[str, Labels] = {
        "a": ["anger", "neutral", "sadness", "anger"],
        "b": ["anger", "neutral", "neutral", "anger"],
        "c": ["anger", "anger", "neutral", None],
    }
    clips = clips_for(truth, answers)
    assert counts(clips.most_wrong) == [("clip 3", 3, 3), ("clip 1", 2, 3), ("clip 2", 1, 3)]
    first = clips.most_wrong[0]
    assert first.answers == {"a": "anger", "b": "anger", "c": None}
    assert (first.emotion, first.label, first.speaker, first.duration_s) == ("sadness", "sadness", "s1", 3.6)
    assert clips.candidates == 3


def test_a_candidate_without_a_class_for_an_emotion_is_not_blamed_for_missing_it() -> None:
    answers = {"a": ["neutral", "neutral"], "b": ["neutral", "anger"]}
    clips = clips_for(["anger", "neutral"], answers, {"a": ("neutral", "sadness")})
    assert counts(clips.most_wrong) == [("clip 0", 1, 1), ("clip 1", 1, 2)]
    assert clips_for(["anger"], {"a": ["neutral"]}, {"a": ("neutral", "sadness")}).most_wrong == ()


def test_of_clips_missed_equally_often_those_that_more_could_know_and_fewer_believe_in_come_first() -> None:
    answers = {"a": ["neutral", "anger"], "b": ["neutral", "anger"]}
    clips = clips_for(["anger", "sadness"], answers, {"b": ("neutral", "anger")})
    assert [clip.clip for clip in clips.most_wrong] == ["clip 0", "clip 1"]
    truth = ["anger", "anger"]
    even = hard_answers(truth, ["neutral", "neutral"], ("anger", "neutral", "sadness"))
    uneven = replace(even, source=np.array([[0.4, 0.5, 0.1], [0.1, 0.8, 0.1]]))
    assert [clip.clip for clip in hard_clips_of(truth, {"a": uneven}).most_wrong] == ["clip 1", "clip 0"]


def test_disagreement_is_the_entropy_of_the_answers_and_needs_no_labels() -> None:
    answers = {
        "a": ["anger", "anger", "anger"],
        "b": ["anger", "neutral", "neutral"],
        "c": ["anger", "anger", "sadness"],
    }
    clips = clips_for([None, None, None], answers)
    assert clips.most_wrong == ()
    assert [clip.clip for clip in clips.most_disputed] == ["clip 2", "clip 1"]
    expected = [entropy([1, 1, 1]), entropy([2, 1])]
    assert [clip.disagreement for clip in clips.most_disputed] == pytest.approx(expected)
    assert clips_for(["anger"], {"a": ["neutral"], "b": [None]}).most_disputed == ()


def test_candidates_with_missing_answers_and_corpora_without_clips_are_left_out() -> None:
    truth = ["anger", "neutral"]
    whole = hard_answers(truth, ["neutral", "neutral"], FOUR)
    part = replace(whole, missing=1)
    clips = hard_clips_of(truth, {"whole": whole, "part": part})
    assert (clips.candidates, set(clips.most_wrong[0].answers)) == (1, {"whole"})
    assert hard_clips_of(truth, {"part": part}) == HardClips(corpus="calls", candidates=0)
    assert hard_clips_of([], {"a": hard_answers([], [], FOUR)}).most_wrong == ()


def test_lists_are_short_however_many_clips_there_are() -> None:
    first, second = random_answers(1, 500), random_answers(2, 500)
    both = {"a": first, "b": replace(second, truth=first.truth)}
    clips = hard_clips_of(first.truth, both)
    assert len(clips.most_wrong) == len(clips.most_disputed) == LISTED_CLIPS
    shares = [clip.wrong / clip.able for clip in clips.most_wrong]
    assert shares == sorted(shares, reverse=True)
    for clip in (*clips.most_wrong, *clips.most_disputed):
        row = int(clip.clip.split()[1])
        assert clip.emotion == first.truth[row]
        for name, answers in both.items():
            chosen = answers.chosen[row]
            assert clip.answers[name] == (None if chosen < 0 else answers.classes[chosen])


def test_failed_clips_are_listed_by_reason_with_the_first_names(run: RunBuilder) -> None:
    corpus = run.corpus("x", [clip_record(f"clip {number}", label="fear") for number in range(20)])
    failing = run.candidate("failing")
    run.add(run.candidate("whole"), corpus, ["fear"] * 20)
    run.add(failing, corpus, [None] * 7 + ["fear"] * 12 + [None])
    stored = run.stored[setup_of(failing).key]
    for number in (*range(7), 19):
        reason = "too short" if number < 6 else "no window"
        stored[f"clip {number}"] = replace(stored[f"clip {number}"], failure=reason)
    board = run.score()
    failed = [
        (clips.candidate, clips.corpus, clips.reason, clips.clips, clips.examples) for clips in board.failed_clips
    ]
    assert failed == [
        ("failing", "x", "too short", 6, tuple(f"clip {number}" for number in range(5))),
        ("failing", "x", "no window", 2, ("clip 6", "clip 19")),
    ]


def test_clips_without_an_answer_or_audio_are_not_among_the_failed(run: RunBuilder) -> None:
    corpus = run.corpus("x", [clip_record("a", label="fear"), unreadable("b"), clip_record("c", label="fear")])
    run.add(run.candidate("stopped"), corpus, ["fear"])
    assert run.score().failed_clips == ()
