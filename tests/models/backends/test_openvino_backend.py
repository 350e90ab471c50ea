from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.backends.fast_model import FastModel
from benchmark.models.backends.openvino_library import computes_in

Sounds = dict[int, NDArray[np.float32]]


@pytest.mark.parametrize("model_type", ["wav2vec2", "data2vec-audio", "sew", "whisper"])
def test_an_answer_is_the_same_to_the_bit_whatever_came_before(
    fast: Callable[..., FastModel], sounds: Sounds, model_type: str
) -> None:
    up, down = fast(model_type, "openvino"), fast(model_type, "openvino")
    first = {size: up.logits(samples) for size, samples in sounds.items()}
    second = {size: down.logits(samples) for size, samples in reversed(sounds.items())}
    assert all(np.array_equal(first[size], second[size]) for size in sounds)


def test_streams_do_not_change_an_answer(fast: Callable[..., FastModel], sounds: Sounds) -> None:
    alone, together = fast("hubert", "openvino"), fast("hubert", "openvino", streams=2)
    many = list(sounds.values()) * 4
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(together.logits, many))
    assert all(np.array_equal(answer, alone.logits(samples)) for answer, samples in zip(answers, many, strict=True))


def test_what_it_is_asked_for_is_what_it_is(fast: Callable[..., FastModel]) -> None:
    facts = fast("hubert", "openvino", streams=2).backend.facts
    assert (facts.name, facts.dtype, facts.device, facts.streams.count) == ("openvino", "float32", "cpu", 2)
    assert set(facts.versions) == {"openvino"}


@pytest.mark.skipif(not computes_in("bfloat16"), reason="this processor does not compute in bfloat16")
def test_bfloat16_is_close_to_float32_and_not_the_same(fast: Callable[..., FastModel], sounds: Sounds) -> None:
    exact, short = fast("wavlm", "openvino"), fast("wavlm", "openvino", dtype="bfloat16")
    differences = [np.abs(exact.logits(samples) - short.logits(samples)).max() for samples in sounds.values()]
    assert 0 < max(differences) < 5e-2
    assert short.report.dtype == "bfloat16"
