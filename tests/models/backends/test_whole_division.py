from typing import Any

import numpy as np
import pytest

from benchmark.models.backends.openvino_library import openvino
from benchmark.models.backends.whole_division import make_division_exact

KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
LENGTHS = (*range(400, 1100), *range(479_600, 480_001))


def frames_of(samples: int) -> int:
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


def frame_counter(number: type) -> Any:
    """A model that counts frames from a mask's sum, as HuBERT does."""
    library = openvino()
    operations = library.opset13
    mask = operations.parameter([-1], dtype=number)
    count = operations.reduce_sum(mask, operations.constant(np.array([0])), keep_dims=False)
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        rest = operations.subtract(count, operations.constant(np.array(kernel, number)))
        down = operations.floor(operations.divide(rest, operations.constant(np.array(stride, number))))
        count = operations.add(down, operations.constant(np.array(1, number)))
    return library.Model([count], [mask], "frames")


def counted(model: Any, number: type, precision: str) -> list[int]:
    compiled = openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return [int(np.ravel(compiled([np.array([length], number)])[0])[0]) for length in LENGTHS]


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("number", [np.int32, np.int64])
def test_frames_are_counted_as_torch_counts_them(number: type, precision: str) -> None:
    model = frame_counter(number)
    assert make_division_exact(model) == len(KERNELS)
    assert counted(model, number, precision) == [frames_of(length) for length in LENGTHS]


def test_fractions_stay_as_they_are() -> None:
    library = openvino()
    value = library.opset13.parameter([-1], dtype=np.float32)
    divided = library.opset13.divide(value, library.opset13.constant(np.float32(2)))
    assert make_division_exact(library.Model([divided], [value], "half")) == 0


def test_what_is_cut_off_towards_zero_stays_so() -> None:
    library = openvino()
    value = library.opset13.parameter([-1], dtype=np.int32)
    divided = library.opset13.divide(value, library.opset13.constant(np.int32(2)))
    divided.set_attribute("m_pythondiv", False)
    assert make_division_exact(library.Model([divided], [value], "half")) == 0
