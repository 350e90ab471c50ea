import pytest

from benchmark.results.timelines import RecordingAnswer, Turn
from benchmark.results.tuning import AppliedTuning, EmotionTuning
from tests.support.finished_runs import WHEN
from tests.support.timelines import EMOTIONS, timeline, timelines

ANGRY, HAPPY = (0.8, 0.2, 0.0), (0.1, 0.6, 0.3)


def test_every_second_is_spoken_for_once_by_the_window_in_whose_middle_it_lies() -> None:
    spans = timeline([ANGRY, ANGRY, HAPPY]).spans()
    assert [(span.start_s, span.end_s) for span in spans] == [(0, 2), (2, 3), (3, 5)]


def test_neighbours_of_the_same_emotion_become_one_stretch() -> None:
    stretches = timeline([ANGRY, (0.5, 0.3, 0.2), HAPPY, ANGRY]).stretches()
    assert [(span.start_s, span.end_s, span.emotion) for span in stretches] == [
        (0, 3, "anger"),
        (3, 4, "happiness"),
        (4, 6, "anger"),
    ]
    assert stretches[0].probability == pytest.approx((2 * 0.8 + 0.5) / 3)


def test_the_mean_weighs_windows_by_the_time_they_speak_for() -> None:
    means = timeline([ANGRY, HAPPY, HAPPY]).mean_probabilities()
    assert means == pytest.approx(((2 * 0.8 + 3 * 0.1) / 5, (2 * 0.2 + 3 * 0.6) / 5, 3 * 0.3 / 5))


def test_nothing_heard_is_nothing_said() -> None:
    empty = timeline([])
    assert (empty.spans(), empty.stretches(), empty.mean_probabilities()) == ((), (), ())


def test_an_answer_below_the_threshold_of_its_emotion_is_none() -> None:
    emotions = tuple(
        EmotionTuning(emotion=name, clips=50, threshold=threshold)
        for name, threshold in zip(EMOTIONS, (0.7, None, 0.5), strict=True)
    )
    applied = AppliedTuning(corpus="acted", created=WHEN, temperature=2.0, max_error=0.1, emotions=emotions)
    plain = timeline([(0.7, 0.2, 0.1), (0.6, 0.3, 0.1), (0.1, 0.9, 0.0), (0.1, 0.3, 0.6)])
    tuned = plain.model_copy(update={"tuning": applied})
    assert [span.emotion for span in plain.spans()] == ["anger", "anger", "happiness", "neutral"]
    assert [span.emotion for span in tuned.spans()] == ["anger", "none", "none", "neutral"]
    assert [(span.emotion, span.end_s - span.start_s) for span in tuned.stretches()][1] == ("none", 2.0)


def test_a_recording_has_the_mean_of_its_windows_weighted_by_the_seconds_that_each_speaks_for() -> None:
    # Windows of 0-3, 1-4 and 2-5 s speak for 2, 1 and 2 s.
    (answer,) = timelines(timeline([ANGRY, HAPPY, HAPPY])).answers()
    assert (answer.level, answer.recording, answer.windows, answer.seconds) == ("recording", "call.wav", 3, 5)
    assert answer.probabilities == pytest.approx((0.38, 0.44, 0.18))  # of anger (2 * 0.8 + 1 * 0.1 + 2 * 0.1) / 5
    assert answer.emotion == "happiness"
    assert answer.probability == pytest.approx(0.44)


def summary(answer: RecordingAnswer) -> tuple[str, str, str | None, float]:
    return answer.level.value, answer.recording, answer.emotion, round(answer.seconds, 6)


def test_a_call_has_an_answer_as_a_whole_for_each_side_and_for_each_turn() -> None:
    anna, ben = Turn(row=1, start_s=10, end_s=14, speaker="anna"), Turn(row=2, start_s=20, end_s=23, speaker="ben")
    turns = [
        timeline([ANGRY, ANGRY], recording="call.wav#left", turn=anna),
        timeline([HAPPY], recording="call.wav#right", turn=ben),
        timeline([HAPPY], recording="other.wav"),
    ]
    assert [(span.start_s, span.end_s) for span in turns[0].spans()] == [(10, 12), (12, 14)]
    whole, *parts, other = timelines(*turns).answers()
    assert whole.probabilities == pytest.approx((3.5 / 7, 2.6 / 7, 0.9 / 7))  # 4 s of anna, 3 s of ben
    assert [summary(answer) for answer in (whole, *parts, other)] == [
        ("recording", "call.wav", "anger", 7),
        ("side", "call.wav#left", "anger", 4),
        ("side", "call.wav#right", "happiness", 3),
        ("turn", "call.wav#left", "anger", 4),
        ("turn", "call.wav#right", "happiness", 3),
        ("recording", "other.wav", "happiness", 3),
    ]
    assert [answer.turn and answer.turn.speaker for answer in parts] == [None, None, "anna", "ben"]


def test_what_was_not_heard_has_an_answer_without_an_emotion_and_with_the_reason() -> None:
    turn = Turn(row=2, start_s=90, end_s=95)
    whole, heard, missing = timelines(timeline([ANGRY], turn=Turn(row=1)), timeline([], turn=turn)).answers()
    assert (whole.emotion, whole.failure) == ("anger", "1 of 2 parts: It is no audio.")
    assert (heard.failure, missing.emotion, missing.failure) == (None, None, "It is no audio.")
