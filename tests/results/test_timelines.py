import pytest

from tests.support.timelines import timeline

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
