import threading

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.answering import AnswerQueue, SideBySide


def samples(*values: float) -> list[NDArray[np.float32]]:
    return [np.array([value], np.float32) for value in values]


def test_answers_come_in_the_order_of_the_questions_whichever_is_done_first() -> None:
    second_is_done = threading.Event()

    def answer(window: NDArray[np.float32]) -> NDArray[np.float32]:
        if window[0] == 1:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return window * 10

    queue = AnswerQueue(SideBySide(answer, streams=2))
    answers = queue.exchange(samples(1, 2, 3), 0)
    assert [float(one["logits"][0]) for one in answers] == [10, 20, 30]
    assert all(one["seconds"] >= 0 for one in answers)
    queue.close()


def test_it_waits_only_until_few_enough_are_on_their_way() -> None:
    go_on = threading.Event()

    def answer(window: NDArray[np.float32]) -> NDArray[np.float32]:
        assert window[0] < 2 or go_on.wait(10)
        return window

    queue = AnswerQueue(SideBySide(answer, streams=1))
    assert len(queue.exchange(samples(1, 2, 3), 2)) == 1
    go_on.set()
    assert len(queue.exchange([], 0)) == 2
    queue.close()


def test_what_a_model_raises_costs_that_window_only() -> None:
    def answer(window: NDArray[np.float32]) -> NDArray[np.float32]:
        if window[0] == 1:
            raise ValueError("too quiet")
        if window[0] == 2:
            raise MemoryError("Unable to allocate 2.00 GiB for an array")
        return window

    queue = AnswerQueue(SideBySide(answer, streams=2))
    raised, memory, fine = queue.exchange(samples(1, 2, 3), 0)
    assert raised == {"raised": ["ValueError", "too quiet", "ValueError: too quiet"]}
    assert memory["out_of_memory"][0] == 2 * 2**30
    assert fine["logits"].tolist() == [3]
    queue.close()
