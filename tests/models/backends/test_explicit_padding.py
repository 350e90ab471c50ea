from typing import Any

import numpy as np
import pytest

from benchmark.models.backends.explicit_padding import make_padding_explicit
from benchmark.models.backends.openvino_library import openvino

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return RANDOM.normal(size=shape).astype(np.float32)


def along_time(*, grouped: bool, before: int, after: int, stride: int = 1) -> Any:
    """A model of one convolution over six channels and any number of frames."""
    library = openvino()
    operations = library.opset13
    samples = operations.parameter([1, 6, -1], dtype=np.float32)
    if grouped:
        made = operations.group_convolution(samples, normal(3, 4, 2, 8), [stride], [before], [after], [1])
    else:
        made = operations.convolution(samples, normal(4, 6, 8), [stride], [before], [after], [1])
    made.set_friendly_name("positions")
    return library.Model([made], [samples], "one")


def kinds(model: Any) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("before", "after", "stride"), [(4, 4, 1), (3, 5, 2), (0, 7, 1), (7, 0, 3)])
def test_zeros_that_are_there_give_what_padding_gives(grouped: bool, before: int, after: int, stride: int) -> None:
    model = along_time(grouped=grouped, before=before, after=after, stride=stride)
    core = openvino().Core()
    padded = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    heard = [normal(1, 6, frames) for frames in (8, 31, 200)]
    expected = [np.array(padded([frames])[0]) for frames in heard]
    assert make_padding_explicit(model) == 1
    assert all(not any(node.get_attributes().get("pads_begin", [0])) for node in model.get_ordered_ops())
    explicit = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for frames, answer in zip(heard, expected, strict=True):
        np.testing.assert_allclose(np.array(explicit([frames])[0]), answer, rtol=0, atol=2e-5)


def test_it_is_done_once() -> None:
    model = along_time(grouped=True, before=4, after=4)
    assert make_padding_explicit(model) == 1
    assert "Concat" in kinds(model)
    assert make_padding_explicit(model) == 0


def test_a_convolution_without_padding_stays_as_it_is() -> None:
    model = along_time(grouped=False, before=0, after=0)
    assert make_padding_explicit(model) == 0
    assert "Concat" not in kinds(model)


def test_a_convolution_over_a_picture_stays_as_it_is() -> None:
    library = openvino()
    picture = library.opset13.parameter([1, 1, 8, 8], dtype=np.float32)
    made = library.opset13.convolution(picture, normal(2, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    model = library.Model([made], [picture], "one")
    assert make_padding_explicit(model) == 0
