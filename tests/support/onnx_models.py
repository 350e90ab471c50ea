"""Small ONNX files that read a waveform: scores are linear in its mean level, its mean change and its energy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LABELS = ("angry", "happy", "sad")
WEIGHTS = np.array([[9.0, -2.0, 1.0], [-7.0, 12.0, 3.0], [2.0, 1.0, -30.0]], dtype=np.float32)
BIAS = np.array([0.1, -0.2, 0.3], dtype=np.float32)


def expected_logits(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the files compute, in numpy."""
    values = samples.astype(np.float64)
    features = [np.abs(values).mean(), np.abs(np.diff(values)).mean(), (values**2).mean()]
    logits: NDArray[np.float64] = np.array(features, dtype=np.float64) @ WEIGHTS.astype(np.float64) + BIAS
    return logits


def write_onnx(  # noqa: PLR0913 - one per way in which files differ
    path: Path,
    *,
    shape: Sequence[Any] = (1, "time"),
    kind: int = TensorProto.FLOAT,
    mask: bool = False,
    softmax: bool = False,
    labels: int = 3,
    domain: str = "",
    external: str | None = None,
) -> Path:
    """Write a file; `external` is the location of its weights."""
    values = "values"
    nodes = [helper.make_node("Cast", ["input_values"], ["row"], to=TensorProto.FLOAT)]
    nodes.append(helper.make_node("Reshape", ["row", "flat"], [values]))
    nodes += [
        helper.make_node("Abs", [values], ["level"]),
        helper.make_node("Slice", [values, "one", "end", "axis"], ["later"]),
        helper.make_node("Slice", [values, "zero", "minus", "axis"], ["earlier"]),
        helper.make_node("Sub", ["later", "earlier"], ["step"]),
        helper.make_node("Abs", ["step"], ["change"]),
        helper.make_node("Mul", [values, values], ["energy"]),
    ]
    for name in ("level", "change", "energy"):
        nodes.append(helper.make_node("ReduceMean", [name, "axis"], [f"mean_{name}"], keepdims=1))
    nodes.append(helper.make_node("Concat", ["mean_level", "mean_change", "mean_energy"], ["features"], axis=1))
    nodes.append(helper.make_node("Gemm", ["features", "weights", "bias"], ["raw"]))
    nodes.append(
        helper.make_node("Softmax", ["raw"], ["out"]) if softmax else helper.make_node("Identity", ["raw"], ["out"])
    )
    if domain:
        nodes.append(helper.make_node("Special", ["raw"], ["special"], domain=domain))
    weights = numpy_helper.from_array(np.ascontiguousarray(WEIGHTS[:, :labels]), "weights")
    if external is not None:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=external)
    constants = {"flat": [1, -1], "one": [1], "end": [2**31 - 1], "axis": [1], "zero": [0], "minus": [-1]}
    initializers = [numpy_helper.from_array(np.array(value, dtype=np.int64), name) for name, value in constants.items()]
    initializers += [weights, numpy_helper.from_array(BIAS[:labels], "bias")]
    inputs = [helper.make_tensor_value_info("input_values", kind, shape)]
    if mask:
        inputs.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT64, [1, "time"]))
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, labels])]
    graph = helper.make_graph(nodes, "model", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    if external is not None and "/" not in external:
        (path.parent / external).write_bytes(np.ascontiguousarray(WEIGHTS[:, :labels]).tobytes())
    onnx.load(str(path), load_external_data=False)
    return path
