from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.models.backends.openvino_backend import openvino
from benchmark.models.backends.openvino_graph import (
    make_division_exact,
    make_padding_explicit,
    prefer_one_order_of_weights,
)

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return RANDOM.normal(size=shape).astype(np.float32)


def along_time(*, grouped: bool, before: int, after: int, stride: int = 1) -> Any:
    """A model of one convolution over six channels and any number of frames."""
    operations = openvino().opset13
    samples = operations.parameter([1, 6, -1], dtype=np.float32)
    if grouped:
        output = operations.group_convolution(samples, normal(3, 4, 2, 8), [stride], [before], [after], [1])
    else:
        output = operations.convolution(samples, normal(4, 6, 8), [stride], [before], [after], [1])
    output.set_friendly_name("positions")
    return openvino().Model([output], [samples], "positions")


def kinds(model: Any) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("before", "after", "stride"), [(4, 4, 1), (3, 5, 2), (0, 7, 1), (7, 0, 3)])
def test_explicit_zeros_give_what_padding_gives(grouped: bool, before: int, after: int, stride: int) -> None:
    model = along_time(grouped=grouped, before=before, after=after, stride=stride)
    core = openvino().Core()
    padded = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    sounds = [normal(1, 6, frames) for frames in (8, 31, 200)]
    expected = [np.array(padded([frames])[0]) for frames in sounds]
    for _ in range(2):  # again, it changes nothing
        make_padding_explicit(model)
        assert kinds(model).count("Concat") == 1
    assert all(not any(node.get_attributes().get("pads_begin", [0])) for node in model.get_ordered_ops())
    explicit = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for frames, answer in zip(sounds, expected, strict=True):
        np.testing.assert_allclose(np.array(explicit([frames])[0]), answer, rtol=0, atol=2e-5)


def test_a_convolution_without_padding_or_over_a_picture_stays_as_it_is() -> None:
    library = openvino()
    picture = library.opset13.parameter([1, 1, 8, 8], dtype=np.float32)
    output = library.opset13.convolution(picture, normal(2, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    for model in (along_time(grouped=False, before=0, after=0), library.Model([output], [picture], "picture")):
        make_padding_explicit(model)
        assert "Concat" not in kinds(model)


def wide_layer(folder: Path) -> Path:
    """A layer as wide as those of a model of base size, with the activation behind it, in a file."""
    operations, random = openvino().opset13, np.random.default_rng(0)
    frames = operations.parameter([1, -1, 768], dtype=np.float32)
    weights = random.normal(0, 0.02, (3072, 768)).astype(np.float32)
    output = operations.gelu(operations.matmul(frames, operations.constant(weights), False, True), "erf")
    path = folder / "model.xml"
    openvino().save_model(openvino().Model([output], [frames], "wide"), str(path), compress_to_fp16=False)
    return path


def implementations(path: Path) -> tuple[set[str], np.ndarray[Any, np.dtype[np.float32]]]:
    """Give what computes the product for short and long clips, and what comes out."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERF_COUNT": True, "INFERENCE_NUM_THREADS": 1}
    request = openvino().Core().compile_model(str(path), "CPU", settings).create_infer_request()
    random = np.random.default_rng(1)
    kernels, answers = set(), []
    for frames in (300, 100):
        request.infer([random.normal(size=(1, frames, 768)).astype(np.float32)])
        answers.append(np.array(request.get_output_tensor(0).data))
        nodes = request.get_profiling_info()
        kernels |= {node.exec_type for node in nodes if node.node_type == "FullyConnected"}
    return kernels, np.concatenate(answers, axis=1)


def test_no_convolution_computes_a_wide_layer_and_the_answers_are_the_same(tmp_path: Path) -> None:
    path = wide_layer(tmp_path)
    _, before = implementations(path)
    prefer_one_order_of_weights(path)
    kernels, after = implementations(path)
    assert not [name for name in kernels if "conv" in name]
    np.testing.assert_allclose(before, after, rtol=0, atol=2e-5)


KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
LENGTHS = (*range(400, 1100), *range(479_600, 480_001))


def frames_of(samples: int) -> int:
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


def frame_counter(number: type) -> Any:
    """A model that counts frames from a mask's sum, as HuBERT does."""
    operations = openvino().opset13
    mask = operations.parameter([-1], dtype=number)
    count = operations.reduce_sum(mask, operations.constant(np.array([0])), keep_dims=False)
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        rest = operations.subtract(count, operations.constant(np.array(kernel, number)))
        down = operations.floor(operations.divide(rest, operations.constant(np.array(stride, number))))
        count = operations.add(down, operations.constant(np.array(1, number)))
    return openvino().Model([count], [mask], "frames")


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("number", [np.int32, np.int64])
def test_frames_are_counted_as_torch_counts_them(number: type, precision: str) -> None:
    model = frame_counter(number)
    make_division_exact(model)
    assert kinds(model).count("FloorMod") == len(KERNELS)
    compiled = openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    counts = [int(np.ravel(compiled([np.array([length], number)])[0])[0]) for length in LENGTHS]
    assert counts == [frames_of(length) for length in LENGTHS]


def test_fractions_and_what_is_cut_off_towards_zero_stay_as_they_are() -> None:
    library = openvino()
    for number in (np.float32, np.int32):
        value = library.opset13.parameter([-1], dtype=number)
        divided = library.opset13.divide(value, library.opset13.constant(number(2)))
        divided.set_attribute("m_pythondiv", number is np.float32)
        model = library.Model([divided], [value], "half")
        make_division_exact(model)
        assert "FloorMod" not in kinds(model)
