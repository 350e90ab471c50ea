from pathlib import Path
from typing import Any

import numpy as np

from benchmark.models.backends.matrix_products import prefer_one_order_of_weights
from benchmark.models.backends.openvino_library import openvino


def wide_layer(folder: Path) -> Path:
    """A layer as wide as those of a model of base size, with the activation behind it, in a file."""
    operations, random = openvino().opset13, np.random.default_rng(0)
    frames = operations.parameter([1, -1, 768], dtype=np.float32)
    weights = random.normal(0, 0.02, (3072, 768)).astype(np.float32)
    made = operations.gelu(operations.matmul(frames, operations.constant(weights), False, True), "erf")
    path = folder / "model.xml"
    openvino().save_model(openvino().Model([made], [frames], "wide"), str(path), compress_to_fp16=False)
    return path


def implementations(path: Path) -> tuple[dict[int, set[str]], list[np.ndarray[Any, np.dtype[np.float32]]]]:
    """Give what computes the product for short and long clips, and what comes out."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERF_COUNT": True, "INFERENCE_NUM_THREADS": 1}
    request = openvino().Core().compile_model(str(path), "CPU", settings).create_infer_request()
    random = np.random.default_rng(1)
    found, answers = {}, []
    for frames in (300, 100):
        request.infer([random.normal(size=(1, frames, 768)).astype(np.float32)])
        answers.append(np.array(request.get_output_tensor(0).data))
        found[frames] = {node.exec_type for node in request.get_profiling_info() if node.node_type == "FullyConnected"}
    return found, answers


def test_no_convolution_computes_a_wide_layer_and_the_answers_are_the_same(tmp_path: Path) -> None:
    path = wide_layer(tmp_path)
    _, before = implementations(path)
    assert prefer_one_order_of_weights(path) == 1
    found, after = implementations(path)
    assert not [name for names in found.values() for name in names if "conv" in name]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)
